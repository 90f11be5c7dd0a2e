"""LaTeX tables compile, fit the page they are made for, and say what the Markdown says."""

import re
import shutil
import subprocess
import unicodedata
from pathlib import Path
from typing import Any

import pytest

from harness import results as stored
from harness.cli import main
from harness.errors import HarnessError
from harness.leaderboard import Leaderboard, build
from harness.views.tables import tex
from harness.views.tables.grid import Text
from harness.views.tables.paper import latex
from harness.views.tables.rendering import render
from made_results import add, systems

ROOT = Path(__file__).parents[1]
SHIFTS = {"a": 0.0, "bm25_k1=0.9": 0.02, "c": 0.2}
PAGE = r"""\documentclass[twocolumn]{article}
\usepackage[utf8]{inputenc}\usepackage{booktabs}
\usepackage[paperwidth=216mm,paperheight=279mm,textwidth=178mm,columnsep=10mm]{geometry}
\begin{document}
%s
\end{document}
"""
TEX = shutil.which("pdflatex") and shutil.which("kpsewhich")
WITHOUT = "needs LaTeX: apt-get install --no-install-recommends texlive-latex-base texlive-latex-recommended"


def boards(folder: Path, *measures: str, **options: Any) -> list[Leaderboard]:
    found, notes = stored.read(folder)
    return [build(found, measure, notes=notes, **options) for measure in measures or ("ndcg@10",)]


def made(folder: Path, count: int = 3) -> Path:
    shifts = SHIFTS if count == 3 else {f"s{n}": n / 100 for n in range(count)}
    return systems(folder, {"scifact": 30, "nfcorpus": 20, "own": 9}, shifts)


@pytest.fixture
def compiled(tmp_path):
    """Compile tables on ACM's page of two columns, 84 mm each; no box may be too wide."""
    if not TEX or subprocess.run(["kpsewhich", "booktabs.sty"], capture_output=True, check=False).returncode:
        pytest.skip(WITHOUT)

    def compile_all(*texts: str) -> None:
        (tmp_path / "page.tex").write_text(PAGE % "\n".join(texts), encoding="utf-8")
        done = subprocess.run(
            ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", "page.tex"],
            cwd=tmp_path, capture_output=True, text=True, errors="replace", check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout[-2000:]
        assert not re.findall(r"Overfull \\hbox.*|Missing character.*|undefined.*", done.stdout)
        assert (tmp_path / "page.pdf").stat().st_size > 1000

    return compile_all


@pytest.mark.parametrize("width", [None, "one", "two"])
def test_tables_fit_the_page(tmp_path, compiled, width):
    three = made(tmp_path / "r")
    many = made(tmp_path / "many", 40)
    add(tmp_path / "long", "bm25-fields=multifield-k1=0.9-b=0.4-weights=(1,2,3)-and_more_of_it", "own", [0.1, 0.4, 0.3])
    add(tmp_path / "long", "%_&#$~^\\{}<>|", "own", [0.2, 0.5, 0.9])
    compiled(
        latex(boards(three), width),
        latex(boards(three, baseline="a"), width),
        latex(boards(three, "ndcg@10", "mrr@10"), width),
        latex(boards(three, "ndcg@10", "mrr@10", baseline="c", margin=0.05), width, ("average", "rank"), 4),
        latex(boards(many), width),
        latex(boards(tmp_path / "long", baseline="%_&#$~^\\{}<>|"), width),
    )


def test_the_committed_results_fit_the_page(compiled):
    folder = ROOT / "results"
    if not any(folder.glob("runs/*/*/manifest.json")):
        pytest.skip("this checkout has no results")
    whole = boards(folder)
    assert r"\begin{table*}" in latex(whole) and latex(whole).count(r"\begin{tabular}") == 1
    compiled(
        latex(whole),
        latex(whole, "one"),
        latex(boards(folder, "ndcg@10", "recall@100")),
        latex(boards(folder, "ndcg@10", "recall@100", "map", baseline="bm25"), "two"),
        latex(boards(folder, baseline="bm25"), "one", without=("rank",)),
    )


NAMES = ["[x]", "*star", "a--b", "système-ü", "e\u0301t\u202e\x07", "a'b\"c`d", "x" * 80, "long_name." * 12]


def test_odd_names_of_systems_and_datasets_fit_too(tmp_path, compiled):
    """A bracket or a star after the end of a row is no argument of it; what has no place to break is broken."""
    texts = []
    for number, name in enumerate(NAMES):
        for tag in (name, "b"):
            add(tmp_path / f"s{number}", tag, "own", [0.2, 0.5, 0.9] if tag == "b" else [0.1, 0.6, 0.7])
            for dataset in (name, "other"):
                add(tmp_path / f"d{number}", tag, dataset, [0.2, 0.5, 0.9] if tag == "b" else [0.1, 0.6, 0.7])
        texts += [latex(boards(tmp_path / f"s{number}", baseline="b"), width) for width in ("one", "two")]
        texts += [latex(boards(tmp_path / f"d{number}"), width) for width in ("one", "two")]
        add(tmp_path / f"o{number}", "b", name, [0.2, 0.3])
        texts += [latex(boards(tmp_path / f"o{number}"), "one")]
    assert not any("names hold" in text for text in texts)
    assert any(r"{}[x] & " in text for text in texts) and any(r"{}*star & " in text for text in texts)
    for start in range(0, len(texts), 10):  # LaTeX holds no more floats
        compiled(*texts[start : start + 10])


def test_letters_that_pdflatex_lacks_are_said(tmp_path):
    add(tmp_path, "系统-1", "own", [0.2, 0.5])
    assert "% names hold 系统, for which pdfLaTeX has no letters" in latex(boards(tmp_path))


def test_letters_that_pdflatex_lacks_are_said_where_the_table_is_made(tmp_path, capsys):
    """Who writes it into a file sees no comment in it."""
    add(tmp_path / "r", "a", "日本語_set", [0.2, 0.5])
    command = ["leaderboard", "--results", str(tmp_path / "r"), "--output", str(tmp_path / "t")]
    assert main([*command, "--format", "latex"]) == 0
    assert "note: names hold 日本語, for which pdfLaTeX has no letters" in capsys.readouterr().err
    assert main([*command, "--format", "csv"]) == 0 and not capsys.readouterr().err


def test_what_is_said_of_letters_is_what_pdflatex_does(tmp_path):
    """Every Latin letter and printed sign that is not called missing compiles, in T1 where the table says so."""
    if not TEX:
        pytest.skip(WITHOUT)
    signs = [
        chr(code) for code in (*range(0xA1, 0x250), *range(0x1E00, 0x1F00), *range(0x2010, 0x2060), 0x20AC, 0x2122)
    ]
    signs = [sign for sign in signs if unicodedata.category(sign)[0] in "LPS"]
    for encoding in ("OT1", "T1"):
        lines = [f"X {tex.escape(sign)}" for sign in signs]
        page = [
            rf"\documentclass{{article}}\usepackage[{encoding}]{{fontenc}}\begin{{document}}",
            *lines,
            r"\end{document}",
        ]
        (tmp_path / "p.tex").write_text("\n\n".join(page), encoding="utf-8")
        command = ["pdflatex", "-interaction=nonstopmode", "-file-line-error", "-no-shell-escape", "p.tex"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, errors="replace", check=False)
        failed = {signs[int(line) // 2 - 1] for line in re.findall(r"p\.tex:(\d+): ", done.stdout)}
        said = {sign for sign in signs if tex.foreign(sign) or (encoding == "OT1" and tex.in_t1(sign))}
        assert failed <= said
        assert failed >= {sign for sign in said if sign < "\u0250"}


def test_digits_are_those_of_intervals_too(tmp_path):
    for tag, scores in {"a": [0.2, 0.5, 0.4], "b": [0.3, 0.7, 0.4]}.items():
        add(tmp_path, tag, "own", scores)
    text = latex(boards(tmp_path, baseline="a"), digits=2)
    assert r"b & \textbf{0.47} & [0.00, 0.98] & +0.10 & [$-$0.15, +0.35] & " in text


@pytest.mark.slow
def test_the_whole_of_beir_fits_the_page(tmp_path, compiled):
    from harness.datasets.dataset_table import rows

    names = {name: 12 for name, row in rows().items() if row.group}
    systems(tmp_path, names, {f"system{number:02}": 0.03 * number for number in range(12)})
    compiled(*(latex(boards(tmp_path, baseline=one), width) for one in (None, "system00") for width in ("one", "two")))


@pytest.mark.parametrize("baseline", [None, "a"])
def test_latex_says_what_markdown_says(tmp_path, baseline):
    [board] = found = boards(made(tmp_path), baseline=baseline)
    text = latex(found, digits=4)
    assert _cells(text) == [
        [_unsigned(cell) for cell in line.strip("| ").split(" | ")]
        for line in render(found, "md").split("\n\n")[1].split("\n")[2:]
    ]
    caption = re.search(r"\\caption\{(.*)\}\n", text)[1]  # type: ignore[index]
    assert len(caption) < 450 and board.signature not in caption
    assert f"% nDCG@10 on 3 datasets: {board.signature}" in text
    assert f"Holm over {len(board.family)} comparisons" in caption and "Holm over 3 pairs" in caption
    assert ("letters name the systems" in caption) == (baseline is None)


def _cells(text: str) -> list[list[str]]:
    body = text.split("\\midrule\n")[1].split("\\bottomrule")[0]
    return [[_unlatexed(cell) for cell in line.removesuffix(" \\\\").split(" & ")] for line in body.strip().split("\n")]


def _unlatexed(cell: str) -> str:
    for latex_, plain in (("$\\dagger$", "†"), ("$\\ddagger$", "‡"), ("--", "–"), ("\\_", "_")):
        cell = cell.replace(latex_, plain)
    cell = re.sub(r"\\textbf\{([^}]*)\}", r"**\1**", cell)
    return re.sub(r"\\textsuperscript\{([^}]*)\}", r"\1", cell)


def _unsigned(cell: str) -> str:
    """A cell of Markdown without ° and ¶, which a paper's table has not, letters as they are."""
    return cell.strip().replace("°", "").replace("¶", "").translate(str.maketrans("ᵃᵇᶜ", "abc"))


def test_measures_stand_side_by_side_in_groups(tmp_path):
    text = latex(boards(made(tmp_path), "ndcg@10", "mrr@10"), without=["rank"])
    assert text.count(r"\begin{tabular}") == 1 and text.count(r"\label{tab:ndcg10-mrr10}") == 1
    assert r" &  & \multicolumn{2}{c}{Average} & \multicolumn{2}{c}{nfcorpus} & " in text
    assert r"\cmidrule(lr){3-4}\cmidrule(lr){5-6}" in text
    assert " & System & nDCG@10 & MRR@10 & nDCG@10 & MRR@10 & " in text
    assert "Rank" not in text.split(r"\begin{tabular}")[1]
    assert "a measure, p" in text and r"\caption{nDCG@10 and MRR@10 of 3 systems on 3 datasets." in text


def test_one_dataset_has_its_measures_or_its_details(tmp_path):
    made(tmp_path)
    found = stored.select(stored.read(tmp_path)[0], ["own"])
    both = [build(found, measure) for measure in ("ndcg@10", "mrr@10")]
    assert r"\multicolumn{2}{c}{Rank}" in latex(both) and " & System & nDCG@10 & MRR@10 & nDCG@10" in latex(both)
    assert "of 3 systems on own." in latex(both)
    one = latex([build(found, "ndcg@10", "c")])
    assert r"System & nDCG@10 & 95 \% interval & vs c & 95 \% interval & p (Holm) & d\_z & Rank \\" in one
    assert re.search(r" & \$-\$0\.\d{3} & \[\$-\$0\.\d{3}, \$-\$0\.\d{3}\] & ", one)
    assert not re.search(r"[\[ ]-\d", one.split(r"\begin{tabular}")[1])


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("-0.25", "$-$0.25"),
        ("[-0.5, +0.25]", "[$-$0.5, +0.25]"),
        ("rrf-bm25-2", "rrf-bm25-2"),
        ("5.84e-06", r"$5.84\cdot10^{-6}$"),
        ("<1e-99", r"\textless{}$1\cdot10^{-99}$"),
        ("1–3", "1--3"),
        ("model-1e-05", "model-1e-05"),
    ],
)
def test_signs_of_numbers(text, written):
    assert tex.written(Text(text)) == written


def test_notes_are_comments_and_only_about_what_is_there(tmp_path):
    made(tmp_path)
    (tmp_path / "runs" / "half" / "scifact").mkdir(parents=True)
    text = latex(boards(tmp_path))
    assert "% Note: half on scifact is not finished" in text
    assert "half" not in text.split(r"\begin{table")[1]


def test_a_mark_is_explained_where_it_is_there(tmp_path):
    for tag, score in {"a": 0.5, "b": 0.5}.items():
        add(tmp_path, tag, "scifact", [score + n / 100 for n in range(20)])
    text = latex(boards(tmp_path))
    assert "no difference is significant (paired t-test, Holm over 1 comparison, p" in text and r"\S{}" not in text
    text = latex(boards(tmp_path, baseline="a"))
    assert "no difference to a is significant (" in text and "dagger" not in text


def test_the_command_makes_the_table_it_is_asked_for(tmp_path, capsys):
    made(tmp_path)
    here = ["leaderboard", "--results", str(tmp_path), "--format", "latex"]
    assert main([*here, "--width", "two", "--without", "rank", "--without", "average", "--digits", "4"]) == 0
    text = capsys.readouterr().out
    assert r"\begin{table*}" in text and "Average" not in text.split(r"\begin{tabular}")[1]
    assert re.search(r"& (\\textbf\{)?0\.\d{4}", text)
    assert main([*here[:-2], "--width", "two"]) == 2
    assert "--width: only LaTeX" in capsys.readouterr().err
    assert main([*here[:-2], "--without", "rank"]) == 0
    assert "Rank |" not in capsys.readouterr().out
    with pytest.raises(HarnessError, match="did you mean 'two'"):
        latex(boards(tmp_path), "tow")
