"""What the audit of dependencies concludes from pip-audit's answer, and that every version is pinned."""

import pytest

from audit import CONSTRAINTS, unpinned, verdict

CLEAN = {"name": "a", "version": "1", "vulns": []}
SKIPPED = {"name": "b", "skip_reason": "Dependency not found on PyPI"}
BAD = {"name": "c", "version": "2", "vulns": [{"id": "PYSEC-1", "fix_versions": ["3"]}]}


@pytest.mark.parametrize(
    ("packages", "code", "said"),
    [
        ([CLEAN], 0, "no known vulnerabilities in 1 packages"),
        ([CLEAN, SKIPPED], 0, "no known vulnerabilities in 1 packages; 1 packages are not in the database"),
        ([SKIPPED, SKIPPED], 0, "SKIPPED: the database knows none of the 2 packages"),
        ([CLEAN, BAD], 1, "c 2: PYSEC-1, mended in 3"),
    ],
)
def test_verdicts(packages: list[dict], code: int, said: str) -> None:
    assert verdict({"dependencies": packages})[0] == code
    assert verdict({"dependencies": packages})[1].startswith(said)


def test_every_version_is_pinned() -> None:
    assert unpinned(CONSTRAINTS.read_text(encoding="utf-8")) == []
    assert unpinned("# a comment\na==1\nb>=2\nc\n") == ["b>=2", "c"]
