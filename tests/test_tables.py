"""Tables as text: widths, marks, escapes, four formats of one content, and the committed tables."""

import csv
import io
import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import made_results
from harness import results
from harness.cli import main
from harness.errors import HarnessError
from harness.leaderboard import build
from harness.views.tables.grid import WIDTH, Grid, Text
from harness.views.tables.marks import LETTERS, joined, keys, superscript
from harness.views.tables.rendering import FORMATS, render, write_tables
from harness.views.tables.tex import escape
from harness.views.tables.wording import p_text, rank_text

REPOSITORY = Path(__file__).resolve().parents[1]


def boards(folder, *measures, **options):
    found, notes = results.read(folder)
    return [build(found, measure, notes=notes, **options) for measure in measures or ["ndcg@10"]]


@pytest.fixture
def two(tmp_path):
    return made_results.systems(tmp_path, {"scifact": 80, "nfcorpus": 60}, {"bm25": 0.0, "my_own": 0.1})


@pytest.mark.parametrize(
    ("places", "count", "mark"),
    [
        ([0, 2, 24], 25, "acz"),
        ([], 25, ""),
        ([0, 1, 2, 6], 26, "1-3,7"),
        ([3], 26, "4"),
        ([0, 2, 4], 60, "1,3,5"),
        (range(60), 60, "1-60"),
        ([], 60, ""),
    ],
)
def test_marks_name_the_beaten(places, count, mark):
    assert joined(places, keys(count)) == mark


@given(st.sets(st.integers(0, 79)))
def test_ranges_can_be_read_back(places):
    read = set()
    for part in filter(None, joined(places, keys(80)).split(",")):
        first, _, last = part.partition("-")
        read |= set(range(int(first) - 1, int(last or first)))
    assert read == places


def test_every_letter_has_a_superscript():
    raised = superscript(LETTERS + "0123456789-")
    assert len(set(raised)) == len(raised) == len(LETTERS) + 11
    assert not set(raised) & set(LETTERS)


@pytest.mark.parametrize(("p", "text"), [(0.05, "0.05"), (1, "1"), (1.23456e-7, "1.23e-07"), (0.0, "<1e-99")])
def test_p_is_never_printed_as_zero(p, text):
    assert p_text(p) == text


@pytest.mark.parametrize(("rank", "text"), [((1, 3), "1–3"), ((2, 2), "2"), (None, "–")])
def test_ranks(rank, text):
    assert rank_text(rank) == text


@pytest.mark.parametrize("columns", [1, 5, 40])
def test_wide_grids_are_cut_into_blocks_that_repeat_the_names(columns):
    head = ("System", *(f"dataset-{number}" for number in range(columns)))
    rows = tuple((Text(f"s{row}"), *(Text("0.1234", row == 0, "abc"),) * columns) for row in range(3))
    blocks = Grid(head, rows).blocks()
    assert [name for block in blocks for name in block.head[1:]] == list(head[1:])
    for block in blocks:
        lines = block.markdown().splitlines()
        assert {len(line) for line in lines} == {len(lines[0])} and len(lines[0]) <= WIDTH
        assert [row[0].text for row in block.rows] == ["s0", "s1", "s2"]


def test_a_column_wider_than_the_line_still_appears():
    assert [block.head for block in Grid(("a", "b" * 200, "c"), ()).blocks()] == [("a", "b" * 200), ("a", "c")]


@pytest.mark.parametrize(
    ("text", "latex"),
    [
        ("a_b & 5 % #1 $x {y}", r"a\_b \& 5 \% \#1 \$x \{y\}"),
        (
            "\\ ~ ^ | < >",
            r"\textbackslash{} \textasciitilde{} \textasciicircum{} \textbar{} \textless{} \textgreater{}",
        ),
        ("1–3 †‡", r"1--3 $\dagger$$\ddagger$"),
    ],
)
def test_latex_escapes(text, latex):
    assert escape(text) == latex


def test_markdown_by_hand(tmp_path):
    for tag, high in (("bm25", 0.3), ("mine", 0.7)):
        made_results.add(tmp_path, tag, "scifact", [high, high + 0.1, high + 0.2, high, high + 0.1] * 8)
        made_results.add(tmp_path, tag, "nfcorpus", [0.25, 0.5])
    made_results.add(tmp_path, "late", "scifact", [0.71, 0.79, 0.9, 0.7, 0.8] * 8)
    text = render(boards(tmp_path), "md")
    assert text.startswith(
        "### nDCG@10 on 2 datasets\n"
        "\n"
        "|     | System |    Average | Rank |   nfcorpus |     scifact |\n"
        "| --- | ------ | ---------: | ---: | ---------: | ----------: |\n"
        "| a   | mine   | **0.5775** |    1 | **0.3750** | **0.7800**ᵇ |\n"
        "| b   | bm25   |     0.3775 |    2 | **0.3750** |      0.3800 |\n"
        "| c   | late   |          – |    – |          – | **0.7800**ᵇ |\n"
        "\n"
    )
    assert "Average over the datasets that 2 of the 3 systems have: nfcorpus, scifact. late lacks some of these" in text
    assert "Holm over the 4 comparisons of this table, p ≤ 0.05" in text
    assert text.endswith("`ndcg@10|test:t,holm|family:4|alpha:0.05|n:42|datasets:2|ranx:0.3.21|commit:0123456`\n")


def test_a_baseline_is_marked_with_daggers_and_a_single_dataset_has_room(two):
    made_results.add(two, "worse", "scifact", [0.0] * 80)
    found = results.select(results.read(two)[0], ["scifact"])
    lines = render([build(found, "ndcg@10", "bm25")], "md").splitlines()
    assert [cell.strip() for cell in lines[2].split("|")[1:-1]] == [
        "System", "scifact", "95 % interval", "vs bm25", "95 % interval", "p (Holm)", "d_z", "Rank",
    ]  # fmt: skip
    rows = {line.split("|")[1].strip(): line for line in lines[4:7]}
    assert "**†" in rows["my_own"] and re.search(r"\| \+0\.\d{4} \| \[\+0\.\d{4}, \+0\.\d{4}\] \|", rows["my_own"])
    assert "0.0000‡" in rows["worse"]
    assert "†" not in rows["bm25"] and "‡" not in rows["bm25"]


def test_not_separable_from_the_best_is_marked(tmp_path):
    made_results.systems(tmp_path, {"scifact": 200}, {"a": 0.0, "b": 0.004, "c": -0.3})
    text = render(boards(tmp_path), "md")
    assert len(re.findall(r"0\.\d{4}°", text)) == 1  # the second; the best is bold, the third is beaten


@pytest.mark.slow
def test_thirty_systems_and_the_whole_of_beir_stay_within_the_line(tmp_path):
    from harness.datasets.dataset_table import rows

    names = {name: 12 for name, row in rows().items() if row.group}
    made_results.systems(tmp_path, names, {f"system{number:02}": 0.01 * number for number in range(30)})
    found = boards(tmp_path)
    for form in FORMATS:
        text = render(found, form)
        assert "system29" in text
        if form == "md":
            assert max(len(line) for line in text.splitlines() if line.startswith("|")) <= WIDTH
            assert "webis-touche2020" in text and text.count("cqadupstack") >= 2


def test_latex_is_balanced_and_escaped(two):
    text = render(boards(two, baseline="bm25"), "latex")
    assert text.count(r"\begin{") == text.count(r"\end{") and text.count("{") == text.count("}")
    assert r"my\_own & \textbf{" in text
    assert r"\textsuperscript{$\dagger$}" in text
    assert [line.count(" & ") for line in re.findall(r".*\\\\", text)] == [4] * 3
    assert text.count(r"\toprule") == text.count(r"\midrule") == text.count(r"\bottomrule") == 1


def test_csv_has_the_numbers_the_claims_and_the_signature(two):
    lines = list(csv.DictReader(io.StringIO(render(boards(two, "ndcg@10", "mrr@10"), "csv"))))
    assert [(line["measure"], line["system"]) for line in lines] == [
        ("ndcg@10", "my_own"), ("ndcg@10", "bm25"), ("mrr@10", "my_own"), ("mrr@10", "bm25"),
    ]  # fmt: skip
    assert lines[0]["scifact: better than"] == "bm25" and lines[1]["scifact: worse than"] == "my_own"
    assert lines[1]["scifact: better than"] == ""
    assert float(lines[0]["average"]) == pytest.approx((float(lines[0]["scifact"]) + float(lines[0]["nfcorpus"])) / 2)
    assert lines[2]["signature"].startswith("mrr@10|")


def test_json_has_what_is_printed_and_what_is_behind_it(two):
    made_results.add(two, "twin", "scifact", [0.5] * 80)
    made_results.add(two, "flat", "scifact", [0.75] * 80)
    (found,) = json.loads(render(boards(two), "json"))
    assert found["signature"] == boards(two)[0].signature
    assert found["average_over"] == ["scifact"] and found["family"] == len(found["comparisons"]) == 7
    one = next(c for c in found["comparisons"] if {c["first"], c["second"]} == {"bm25", "my_own"})
    assert {"p", "p_corrected", "interval", "difference", "effect_size", "dominance", "wins"} <= one.keys()
    assert one["wins"] + one["ties"] + one["losses"] == one["queries"]
    endless = next(c for c in found["comparisons"] if {c["first"], c["second"]} == {"flat", "twin"})
    assert endless["effect_size"] is None  # infinite: every query differs by the same
    assert endless["p"] == pytest.approx(2.0**-79)
    assert {(cell["system"], cell["column"]) for cell in found["cells"]} == {
        ("bm25", "nfcorpus"), ("my_own", "nfcorpus"),
        *((tag, "scifact") for tag in ("bm25", "my_own", "twin", "flat")),
    }  # fmt: skip


def test_a_single_system_is_shown_without_claims(tmp_path):
    made_results.add(tmp_path, "only", "scifact", [0.5, 0.7])
    assert render(boards(tmp_path), "md") == (
        "### nDCG@10 on scifact\n"
        "\n"
        "|     | System |    scifact |    95 % interval | Rank |\n"
        "| --- | ------ | ---------: | ---------------: | ---: |\n"
        "| a   | only   | **0.6000** | [0.0000, 1.0000] |    1 |\n"
        "\n"
        "- Rank: what paired t-tests of all pairs leave open (Holm, 95 %).\n"
        "\n"
        "`ndcg@10|test:t,holm|family:0|alpha:0.05|n:2|ranx:0.3.21|commit:0123456`\n"
    )


def test_notes_are_printed_in_every_format_that_has_room(two):
    (two / "runs" / "half" / "scifact").mkdir(parents=True)
    note = "half on scifact is not finished (no manifest.json) and is left out"
    for form in ("md", "latex", "json"):
        assert note in render(boards(two), form)


def test_an_unknown_format(two):
    with pytest.raises(HarnessError, match="did you mean 'latex'"):
        render(boards(two), "latx")


def test_tables_are_the_same_bytes_each_time_whatever_the_order_on_disk(two, tmp_path_factory, capsys):
    first, second = (write_tables(two, tmp_path_factory.mktemp("tables")) for _ in range(2))
    assert [path.name for path in first] == [
        f"{measure}.{ending}" for measure in ("ndcg@10", "mrr@10") for ending in ("md", "csv", "tex", "json")
    ]
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]
    assert main(["leaderboard", "--results", str(two), "--tables"]) == 0
    assert capsys.readouterr().out.splitlines() == [str(two / "tables" / path.name) for path in first]
    assert (two / "tables" / "ndcg@10.md").read_bytes() == first[0].read_bytes()


def test_one_query_has_no_interval_and_no_effect_size(tmp_path):
    for tag, score in {"a": 0.5, "b": 0.7}.items():
        made_results.add(tmp_path, tag, "scifact", [score])
    [row] = [line for line in render(boards(tmp_path, baseline="b"), "md").splitlines() if line.startswith("| a ")]
    assert [cell.strip() for cell in row.split("|")[3:8]] == ["–", "-0.2000", "–", "1", "–"]
    [one] = json.loads(render(boards(tmp_path, baseline="b"), "json"))[0]["comparisons"]
    assert (one["interval"], one["effect_size"], one["p"]) == (None, None, 1.0)


def test_no_p_is_0_in_json(tmp_path):
    generator = np.random.default_rng(0)
    for tag, shift in {"a": 0.0, "b": 0.8}.items():
        made_results.add(tmp_path, tag, "scifact", (0.1 + shift + generator.normal(0, 1e-4, 2000)).tolist())
    [one] = json.loads(render(boards(tmp_path), "json"))[0]["comparisons"]
    assert one["p"] == one["p_corrected"] == 1e-99


def test_a_critical_difference_that_nothing_can_reach_says_so(tmp_path):
    made_results.systems(tmp_path, {"scifact": 9, "nfcorpus": 9}, {tag: at / 30 for at, tag in enumerate("abcdefgh")})
    assert (
        "differ by 7.424 or more are apart (Nemenyi, alpha 0.05): "
        "none can, as 7 is the most by which 8 systems differ." in render(boards(tmp_path), "md")
    )


def test_a_permutation_table_says_how_sure_its_p_are(tmp_path):
    made_results.systems(tmp_path, {"scifact": 60}, {"a": 0.0, "b": 0.02, "c": 0.03}, seed=3)
    text = render(boards(tmp_path, test="permutation"), "md")
    assert "p is exact where at most 32 queries differ, else from at most 10,000,000 random sign patterns:" in text
    assert "no verdict hangs on the draws." in text
    [board] = boards(tmp_path, test="permutation")
    near = replace(board.family[0], p=0.02, error=0.001, corrected=0.051)
    text = render([replace(board, family=(near, *board.family[1:]))], "md")
    assert (
        "is 0.5% of p, below 0.004 √(p / 10,000,000); other draws could turn the verdict on a and b on scifact." in text
    )


@pytest.mark.parametrize(("gains", "said"), [((0.05, 0.0, 0.0, 0.0, 0.0, 0.0), True), ((0.3,), False), ((0.0,), False)])
def test_an_interval_that_leaves_out_0_without_a_mark_is_explained(tmp_path, gains, said) -> None:
    rng = np.random.default_rng(5)
    base = rng.uniform(0.2, 0.6, 40)
    made_results.add(tmp_path, "base", "one", base.tolist())
    for at, gain in enumerate(gains):
        noise = rng.normal(0, 0.13, 40)
        made_results.add(tmp_path, f"s{at}", "one", np.clip(base + gain + noise - noise.mean(), 0, 1).tolist())
    board = build(results.read(tmp_path)[0], "ndcg@10", baseline="base")
    text = render([board], "md")
    assert ("The interval of a difference looks at it alone; it may leave out 0" in text) == said
