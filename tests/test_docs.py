"""The documentation says what is: its commands run and print what is shown, its tables agree with the code."""

import argparse
import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import docs_blocks
from harness import cli
from harness.datasets import dataset_table

ROOT = Path(__file__).resolve().parents[1]
DOCS = sorted((ROOT / "docs").glob("*.md"))
PAGES = [page for page in (*DOCS, ROOT / "README.md") if page.name != "log.md"]  # the log tells what was, not what is
TEXTS = {page.name: page.read_text(encoding="utf-8") for page in PAGES}


def run(script: str, folder: Path) -> subprocess.CompletedProcess:
    """Run a bash script in `folder`, with this environment's commands first and no folders of the user's own."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("BEIR_HARNESS_")}
    environment |= {
        "BEIR_HARNESS_CACHE": str(folder / ".cache"),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONUTF8": "1",
    }
    return subprocess.run(
        ["bash", "-c", script], cwd=folder, env=environment, text=True, encoding="utf-8",
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_commands_run_and_print_what_is_shown(page, tmp_path):
    blocks = docs_blocks.blocks(page)
    if page.name == "README.md":  # `make` starts from nothing; here it only has to know its targets
        blocks = [
            block._replace(text=re.sub(r"^make ", f"make -n -C {ROOT} ", block.text, flags=re.M)) for block in blocks
        ]
    done = run(docs_blocks.script(blocks, tmp_path), tmp_path)
    assert done.returncode == 0, done.stdout[-3000:]
    said = re.sub(r"^.* after .*, about .* left\n", "", done.stdout, flags=re.M)  # a slow machine tells how far it is
    printed = docs_blocks.outputs(said)
    wrong = {
        f"{page.name}, after line {blocks[number].line}": f"no line {missing!r} in:\n{text}"
        for number, text in printed.items()
        if (missing := docs_blocks.first_missing(blocks[number].printed, text)) is not None
    }
    assert not wrong, "\n".join(f"{place}: {what}" for place, what in wrong.items())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_command_is_one(page):
    parser = cli.parser()
    for block in docs_blocks.blocks(page):
        if block.language == "sh":
            for words in docs_blocks.command_lines(block):
                if words not in (["--help"], ["--version"]):
                    parser.parse_args(words)  # exits where a command, an option or a choice is unknown


def test_every_command_is_explained():
    assert [name for name in cli.COMMANDS if f"`{name}`" not in TEXTS["commands.md"]] == []


def test_every_option_that_is_named_exists():
    known = {"--strict", "--no-index"}  # of mkdocs, of pip
    for command in _commands().values():
        known |= {option for action in command._actions for option in action.option_strings}
    for name, text in TEXTS.items():
        prose = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
        assert set(re.findall(r"`(--[a-z][a-z-]*)", prose)) - known == set(), name


def _commands() -> dict[str, argparse.ArgumentParser]:
    choices = next(action for action in cli.parser()._actions if isinstance(action, argparse._SubParsersAction)).choices
    return dict(choices)


def test_the_table_of_datasets_is_that_of_the_code():
    table = TEXTS["datasets.md"].partition("<!-- table -->\n")[2].partition("<!-- end -->")[0]
    assert table == _dataset_table(), "replace the table in docs/datasets.md by the one expected here"


def _dataset_table() -> str:
    lines = ["| name | documents | queries | judgments | measure | relevant from | own id dropped | obtained |"]
    lines.append("|---|---:|---:|---:|---|---:|---|---|")
    for row in dataset_table.rows().values():
        counts = ["–" if count is None else f"{count:,}" for count in (row.docs, row.queries, row.qrels)]
        source = "download" if row.url else "in the package" if row.name == "sample" else "licence"
        own = "yes" if row.exclude_self else "no"
        cells = [f"`{row.name}`", *counts, f"`{row.measure}`", str(row.relevance_level), own, source]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def test_what_is_licence_bound_says_how_to_obtain_it():
    for row in dataset_table.rows().values():
        if row.obtain and row.name != "sample":
            for address in re.findall(r"https?://[^\s),;]+", row.obtain):
                assert address.rstrip(".") in TEXTS["datasets.md"], (row.name, address)


def test_the_package_that_is_shown_is_the_one_that_the_tests_install():
    shown = {block.title: block.text for block in docs_blocks.blocks(ROOT / "docs" / "retrievers.md")}
    assert shown["trigram/pyproject.toml"] == (ROOT / "tests" / "outside_package" / "pyproject.toml").read_text()


@pytest.mark.slow
def test_the_table_of_the_manifest_names_its_keys(tmp_path):
    done = run("beir-harness run bm25 --dataset sample", tmp_path)
    assert done.returncode == 0, done.stdout
    manifest = json.loads((tmp_path / "results/runs/bm25/sample/manifest.json").read_bytes())
    section = TEXTS["formats.md"].partition("## manifest.json")[2].partition("\n## ")[0]
    named = {key for row in re.findall(r"^\| (`.*?) \|", section, re.M) for key in re.findall(r"`(\w+)`", row)}
    assert named == manifest.keys()


@pytest.mark.slow
@pytest.mark.skipif(not importlib.util.find_spec("material"), reason="needs mkdocs-material: pip install .[docs]")
def test_the_site_builds_and_loads_nothing_from_the_network(tmp_path):
    site = tmp_path / "site"
    done = run(f"python -m mkdocs build --strict --config-file {ROOT / 'mkdocs.yml'} --site-dir {site}", tmp_path)
    assert done.returncode == 0, done.stdout
    pages = list(site.rglob("*.html"))
    assert len(pages) >= len(DOCS)
    loaded = re.compile(r"""<(?:(?:script|img|iframe)\b[^>]*\bsrc|link\b[^>]*\bhref)=["']?(?:https?:)?//""")
    for page in pages:
        assert not loaded.search(page.read_text(encoding="utf-8")), page.name
    for style in site.rglob("*.css"):
        assert not re.search(r"url\(['\"]?(?:https?:)?//", style.read_text(encoding="utf-8")), style.name


# The reading of a page is tested too: a test that skips a block would find nothing.


@pytest.mark.parametrize(
    "expected, printed, missing",
    [
        ("a\nb\n", "a\nb\n", None),
        ("a\nb\n", "x\na\nb\ny\n", None),
        ("a\nb\n", "a\nx\nb\n", "b"),
        ("a\n…\nb\n", "a\nx\nb\n", None),
        ("score … of 70\n", "score 0.6 of 70\n", None),
        ("score\n", "score 0.6\n", "score"),
        ("b\na\n", "a\nb\n", "a"),
        ("", "anything\n", None),
    ],
)
def test_expected_output_is_found_line_by_line(expected, printed, missing):
    assert docs_blocks.first_missing(expected, printed) == missing


def test_blocks_of_a_page(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(
        "# T\n```sh\necho a\n```\n```text\na\n```\n\n"
        '```sh title="needs the network"\nbeir-harness run x \\\n  --k 3 # c\n```\n'
        '```python title="x.py"\nprint(1)\n```\n```python\nprint(2)\n```\n```\nplain\n```\n',
        encoding="utf-8",
    )
    found = docs_blocks.blocks(page)
    assert [(block.line, block.language, block.runs, block.is_file) for block in found] == [
        (2, "sh", True, False), (9, "sh", False, False), (13, "python", False, True), (16, "python", True, False),
        (19, "", False, False),
    ]  # fmt: skip
    assert found[0].printed == "a\n"
    assert docs_blocks.command_lines(found[1]) == [["run", "x", "--k", "3"]]
    done = run(docs_blocks.script(found, tmp_path), tmp_path)
    assert docs_blocks.outputs(done.stdout) == {0: "a\n", 3: "2\n"}
    assert (tmp_path / "x.py").read_text() == "print(1)\n"
