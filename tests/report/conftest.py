"""One hostile results folder and its site for all the tests of the report, and a real browser where there is one."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hostile
import pytest

from harness.views.report import site as report_site

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SYSTEMS = {"alpha": 0.05, "beta": 0.3, "gamma": 0.9, "delta": 0.9}


@pytest.fixture(scope="session")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of two collections, `hostile` and `other`."""
    folder = tmp_path_factory.mktemp("collections")
    for name in ("hostile", "other"):
        hostile.collection(folder / name)
    return folder


@pytest.fixture(scope="session")
def made(data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A results folder of four systems on both collections."""
    results = tmp_path_factory.mktemp("report") / "results"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BEIR_HARNESS_CACHE", str(tmp_path_factory.mktemp("cache")))
        for seed, name in enumerate(("hostile", "other")):
            hostile.score(data_dir / name, results, tmp_path_factory.mktemp("runs"), SYSTEMS, seed)
        yield results


@pytest.fixture(scope="session")
def site(made: Path, data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site of `made`, two measures."""
    output = tmp_path_factory.mktemp("output") / "site"
    report_site.write(made, output, ["ndcg@10", "map"], data_dirs=[data_dir])
    return output


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """A headless Chromium of the system, driven by playwright; nothing is downloaded."""
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright: pip install playwright")
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("needs Chromium: apt-get install chromium")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def tab(chromium: Any, request: pytest.FixtureRequest) -> Iterator[Any]:
    """A new tab with the context options `request.param`; an error in a script, or anything fetched, fails the test."""
    context = chromium.new_context(**getattr(request, "param", {}))
    page, wrong = context.new_page(), []
    page.on("pageerror", lambda error: wrong.append(f"script error: {error}"))
    page.on("console", lambda message: wrong.append(message.text) if message.type in ("error", "warning") else None)
    page.on("request", lambda asked: wrong.append(asked.url) if not asked.url.startswith("file:") else None)
    yield page
    context.close()
    assert wrong == []
