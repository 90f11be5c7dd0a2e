"""What several test modules share: the folder of real collections beside the checkout, and a clean cache."""

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from harness.plugins.importing import FILE_MODULE

settings.register_profile("untimed", deadline=None)  # a busy machine is no failure
settings.load_profile("untimed")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # started in the background: children would be deaf to Ctrl-C
    signal.signal(signal.SIGINT, signal.default_int_handler)

SHARED = Path(__file__).resolve().parents[2] / "shared"


def pytest_configure(config: pytest.Config) -> None:
    """What numba compiles is shared by all tests: anew it takes a quarter of a minute.

    Said before numba is imported, which looks once.
    """
    if getattr(config, "cache", None):
        os.environ["NUMBA_CACHE_DIR"] = str(config.cache.mkdir("numba"))


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder `../shared` of real test collections and reference figures; the test is skipped where it is absent."""
    if not SHARED.is_dir():
        pytest.skip("needs the real collections in ../shared, which this checkout does not have beside it")
    return SHARED


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test has an empty cache of its own, so that none reads what another or the user left behind."""
    monkeypatch.setenv("BEIR_HARNESS_CACHE", str(tmp_path_factory.mktemp("cache")))
    monkeypatch.delenv("BEIR_HARNESS_DATA", raising=False)
    monkeypatch.delenv("BEIR_HARNESS_RESULTS", raising=False)


@pytest.fixture(autouse=True)
def no_module_stays(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Modules that a test wrote and imported by their name go with it; one called `mine` is in the way of the next.

    Those of a `file.py:Class` have names of their own, and classes that several tests share.
    """
    before = set(sys.modules)
    yield
    made = str(tmp_path_factory.getbasetemp())
    for name in sys.modules.keys() - before:
        place = str(getattr(sys.modules[name], "__file__", None) or "")
        if place.startswith(made) and not name.startswith(FILE_MODULE):
            del sys.modules[name]
