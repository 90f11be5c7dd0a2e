"""Figures as files: every kind in every format, the same bytes each time, and errors that say what is missing."""

import hashlib
import warnings
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from matplotlib.text import Text

from harness import results as stored
from harness.cli import main
from harness.leaderboard import build
from harness.views.plots import costs, lists, over, pairs, style
from harness.views.plots.style import BETTER, NEUTRAL, WORSE
from made_results import add, systems

FIGURES = {
    "leaderboard": [],
    "leaderboard of one": ["--dataset", "scifact"],
    "differences": ["--baseline", "a", "--system", "c"],
    "differences on one": ["--baseline", "a", "--dataset", "scifact"],
    "cd": [],
    "pareto": ["--cost", "index_bytes"],
    "pairs": ["--dataset", "scifact"],
    "queries": ["--dataset", "scifact", "--baseline", "a", "--system", "c"],
}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = systems(tmp_path_factory.mktemp("plots"), {"scifact": 30, "nfcorpus": 20}, {"a": 0.0, "b": 0.01, "c": 0.3})
    for at, result in enumerate(stored.read(folder)[0]):
        body = {"index": {"index_bytes": 10**at, "wall_s": 1.0}, "search": {"latency": {"p50_ms": 2.0}}}
        scores = {name: list(result.scores(name).values()) for name in result.measures}
        add(folder, result.tag, result.dataset, scores, costs=body)
    return folder


def draw(results: Path, name: str, path: Path) -> bytes:
    assert main(["plot", name.split()[0], *FIGURES[name], "--results", str(results), "--output", str(path)]) == 0
    return path.read_bytes()


@pytest.mark.parametrize(("ending", "magic"), [("png", b"\x89PNG"), ("pdf", b"%PDF"), ("svg", b"<?xml")])
@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_in_every_format_twice_the_same(
    results: Path, tmp_path: Path, name: str, ending: str, magic: bytes
) -> None:
    first = draw(results, name, tmp_path / f"first.{ending}")
    second = draw(results, name, tmp_path / f"second.{ending}")
    assert first.startswith(magic)
    assert hashlib.sha256(first).digest() == hashlib.sha256(second).digest()
    assert not any(word in first for word in (b"CreationDate", b"dc:date", b"Software"))


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["leaderboard", "--output", "x.jpg"], "a figure is written as png, pdf, svg"),
        (["leaderboard", "--output", "x"], "a figure is written as png, pdf, svg"),
        (["differences", "--output", "x.png"], "name the system that is subtracted with --baseline"),
        (["differences", "--output", "x.png", "--baseline", "a"], "which system minus the baseline?"),
        (["differences", "--output", "x.png", "--baseline", "z", "--system", "a"], "unknown system 'z'"),
        (["cd", "--output", "x.png", "--dataset", "scifact"], "needs 3 systems with 2 datasets in common"),
        (["pairs", "--output", "x.png"], "name one with --dataset"),
        (["queries", "--output", "x.png", "--baseline", "a"], "wants one --system, one --baseline and one --dataset"),
        (["leaderboard", "--output", "x.png", "--measure", "ndcg@100"], "no judged.tsv.gz to make ndcg@100 of"),
    ],
)
def test_what_cannot_be_drawn(
    results: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture,
    arguments: list,
    says: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["plot", *arguments, "--results", str(results)]) == 2
    assert says in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_dots_lie_where_the_numbers_are(results: Path) -> None:
    board = build(stored.read(results)[0], "ndcg@10")
    (axes,) = lists.differences(board, "a", "c").axes
    dots = [line for line in axes.lines if line.get_marker() == "o"]
    shown = {axes.get_yticklabels()[int(dot.get_ydata()[0])].get_text(): float(dot.get_xdata()[0]) for dot in dots}
    expected = {
        f"{one.dataset}  n {one.queries}": -one.difference
        for one in board.family
        if (one.first, one.second) == ("a", "c")
    }
    assert shown == pytest.approx(expected)
    assert {dot.get_color() for dot in dots} == {BETTER}
    assert {dot.get_markerfacecolor() for dot in dots} == {BETTER}


def test_colours_and_fill_say_what_is_significant(results: Path) -> None:
    board = build(stored.select(stored.read(results)[0], ["scifact"]), "ndcg@10")
    (axes,) = lists.differences(board, "b").axes
    dots = {
        axes.get_yticklabels()[int(line.get_ydata()[0])].get_text(): (line.get_color(), line.get_markerfacecolor())
        for line in axes.lines
        if line.get_marker() == "o"
    }
    sure = {frozenset((one.first, one.second)): one.significant for one in board.family}
    assert sure == {frozenset("ab"): False, frozenset("ac"): True, frozenset("bc"): True}
    assert dots == {"a": (NEUTRAL, "white"), "c": (BETTER, BETTER)}
    (axes,) = lists.differences(board, "c").axes
    assert {line.get_color() for line in axes.lines if line.get_marker() == "o"} == {WORSE}


def test_one_system_and_sixty(tmp_path: Path) -> None:
    for count in (1, 60):
        folder = systems(tmp_path / str(count), {"scifact": 5, "nfcorpus": 5}, {f"s{n}": n / 100 for n in range(count)})
        found = stored.read(folder)[0]
        board = build(found, "ndcg@10")
        assert len(lists.leaderboard(board).axes[0].get_yticks()) == count
    assert over.critical_difference(board).axes
    assert pairs.pairs(build(stored.select(found, ["scifact"]), "ndcg@10")).axes
    with pytest.raises(Exception, match="no result here says its latency"):
        costs.pareto(board, found, "latency")


def filled(figure) -> set[str]:
    (axes,) = figure.axes
    names = [label.get_text() for label in axes.get_yticklabels()]
    dots = [line for line in axes.lines if line.get_marker() == "o"]
    return {names[int(dot.get_ydata()[0])] for dot in dots if dot.get_markerfacecolor() != "white"}


def test_the_leaderboard_fills_what_the_table_calls_level(tmp_path: Path) -> None:
    # b and c are level with the best; only c is significantly below the second, so it has no rank 1.
    generator = np.random.default_rng(0)
    base, noise = generator.uniform(0.3, 0.6, 60), generator.normal(0, 0.2, 60)
    steady = generator.normal(0, 0.001, 60)
    for tag, scores in {"a": base + 0.03 + noise, "b": base + 0.02, "c": base + steady, "d": base - 0.2}.items():
        add(tmp_path, tag, "scifact", (0.3 + 0.4 * scores).tolist())
    board = build(stored.read(tmp_path)[0], "ndcg@10")
    cells = {tag: board.cells[tag, "scifact"] for tag in board.tags}
    assert [tag for tag in board.tags if cells[tag].level] == ["a", "b", "c"]
    assert cells["c"].rank[0] > 1
    assert filled(lists.leaderboard(board)) == {"a", "b", "c"}


def test_over_datasets_what_the_best_does_not_beat_is_filled(tmp_path: Path) -> None:
    datasets = {f"d{number}": 5 for number in range(12)}
    board = build(stored.read(systems(tmp_path, datasets, {"a": 0.2, "b": 0.19, "c": 0.0}))[0], "ndcg@10")
    assert board.tags[0] in {"a", "b"} and filled(lists.leaderboard(board)) == {"a", "b"}


def test_what_is_filled_over_datasets_is_what_the_rank_leaves_first(results: Path) -> None:
    board = build(stored.read(results)[0], "ndcg@10")
    assert filled(lists.leaderboard(board)) == {tag for tag, (first, _) in board.ranks.items() if first == 1}


def overlaps(texts: list) -> list[tuple[str, str]]:
    """Those that lie on each other, of the words that are drawn."""
    boxes = [
        (text.get_text(), Text.get_window_extent(text)) for text in texts if text.get_text() and text.get_visible()
    ]
    return [(a, b) for (a, one), (b, other) in combinations(boxes, 2) if one.overlaps(other)]


@pytest.mark.parametrize("spread", [0.01, 3.0, 300.0])
def test_no_words_of_a_figure_lie_on_others(results: Path, spread: float) -> None:
    found = stored.read(results)[0]
    board = build(found, "ndcg@10")
    for result in found:
        at = board.tags.index(result.tag)
        result.manifest["costs"] = {"search": {"latency": {"p50_ms": 20.0 * (1 + spread) ** (at / 3)}}}
    for figure in (costs.pareto(board, found, "latency"), lists.differences(board, "a", "c"), lists.leaderboard(board)):
        figure.draw_without_rendering()
        (axes,) = figure.axes
        assert overlaps([*axes.get_xticklabels(), *axes.get_xticklabels(minor=True)]) == []
        assert overlaps(axes.texts) == []


VARIANTS = {  # of one model: what it costs and what it gives
    "minilm": (27, 0.442), "minilm-hnsw": (33, 0.442), "minilm-128-int8-x4": (53, 0.442),
    "minilm-binary-x4": (152, 0.442), "minilm-int8": (44, 0.441), "minilm-binary": (151, 0.417),
    "minilm-256": (41, 0.405), "minilm-128-hnsw": (32, 0.358),
    "minilm-128": (40, 0.358), "minilm-64": (49, 0.252), "minilm-32": (84, 0.159), "bm25": (4, 0.454),
}  # fmt: skip


@pytest.mark.parametrize("cost", ["latency", "index_bytes", "search_bytes"])
def test_variants_of_one_model_have_names_that_can_be_read(tmp_path: Path, cost: str) -> None:
    """Also where all of them cost the same, and five are equally good."""
    for tag, (spent, quality) in VARIANTS.items():
        costs_ = {"index": {"index_bytes": 1000 if tag == "bm25" else 5000}, "search": {"latency": {"p50_ms": spent}}}
        facts = {} if tag in ("minilm", "bm25") else {"approximate": {"bytes": 100 * spent}}
        add(tmp_path, tag, "scifact", [quality, quality], costs=costs_, facts=facts)
    found = stored.read(tmp_path)[0]
    figure = costs.pareto(build(found, "ndcg@10"), found, cost)
    figure.draw_without_rendering()
    (axes,) = figure.axes
    assert overlaps(axes.texts) == []
    inside = figure.bbox
    for text in axes.texts:
        box = Text.get_window_extent(text)
        assert inside.x0 <= box.x0 and box.x1 <= inside.x1 and box.y1 <= axes.bbox.y1 + 12, text.get_text()
    drawn = {tag for text in axes.texts for tag in text.get_text().split("\n")}
    assert drawn == VARIANTS.keys()
    if cost == "search_bytes":
        assert {result.tag: result.cost(cost) for result in found}["minilm-64"] == 4900


def texts(figure) -> str:
    return " ".join(text.get_text() for text in figure.axes[0].texts)


def test_the_diagram_names_its_alpha_and_a_difference_beyond_all_gaps(results: Path, tmp_path: Path) -> None:
    board = build(stored.read(results)[0], "ndcg@10", alpha=0.1)
    assert not board.over.separable  # 3 systems on 2 datasets
    assert "(alpha 0.1): beyond all gaps, 2 datasets are too few" in texts(over.critical_difference(board))
    many = systems(tmp_path, {f"d{number}": 5 for number in range(9)}, {"a": 0.0, "b": 0.1, "c": 0.3})
    board = build(stored.read(many)[0], "ndcg@10")
    assert board.over.separable and "beyond" not in texts(over.critical_difference(board))


def test_one_query_is_drawn_without_an_interval(tmp_path: Path) -> None:
    for tag, score in {"a": 0.5, "b": 0.7}.items():
        add(tmp_path, tag, "scifact", [score])
    board = build(stored.read(tmp_path)[0], "ndcg@10")
    for figure, marks in ((lists.leaderboard(board), ["o", "o"]), (lists.differences(board, "a"), ["None", "o"])):
        assert [line.get_marker() for line in figure.axes[0].lines] == marks  # the line is that of 0


@pytest.mark.parametrize("figure", ["leaderboard", "pareto"])
def test_signs_that_no_font_has_are_said_once(tmp_path: Path, capsys: pytest.CaptureFixture, figure: str) -> None:
    """matplotlib warns once a sign and drawing, with a line of its code."""
    for tag in ("a", "b"):
        costs = {"index": {"index_bytes": 10}, "search": {"latency": {"p50_ms": 2.0}}}
        add(tmp_path / "r", tag, "\ufdd0-news", [0.2, 0.5], costs=costs)  # of no character, ever
    options = ["--dataset", "\ufdd0-news", "--results", str(tmp_path / "r"), "--output", str(tmp_path / "x.svg")]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert main(["plot", figure, *options]) == 0
    assert capsys.readouterr().err.count("note: no font here has \ufdd0: boxes stand there") == 1


def test_signs_that_the_font_lacks_come_from_an_installed_one(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    if len(style.fonts()["font.family"]) == 1:
        pytest.skip("no font of style.WIDER is installed here")
    add(tmp_path / "r", "東京", "scifact", [0.2, 0.5])
    add(tmp_path / "r", "b", "scifact", [0.2, 0.7])
    assert main(["plot", "leaderboard", "--results", str(tmp_path / "r"), "--output", str(tmp_path / "x.png")]) == 0
    assert "boxes" not in capsys.readouterr().err
