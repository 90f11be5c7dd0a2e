"""`tox -e audit`: are the versions of constraints.txt known to be vulnerable?

pip-audit asks PyPI's database, package by package; it needs the network and no other source will do, for an index of
packages knows no vulnerabilities. Where the database cannot be asked, or does not know the packages, nothing was
audited, and that is what is said: pip-audit itself then says "no known vulnerabilities found".

Exit code 0: audited and clean, or skipped with the reason; 1: something is vulnerable; 2: a version is not pinned.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

CONSTRAINTS = Path(__file__).resolve().parents[1] / "constraints.txt"
PATIENCE = 600  # seconds
PIN = re.compile(r"[A-Za-z0-9._-]+==[A-Za-z0-9.!+_-]+( *;.*)?")


def unpinned(text: str) -> list[str]:
    """The lines that name no exact version; what is not pinned cannot be audited."""
    lines = (line.strip() for line in text.splitlines())
    return [line for line in lines if line and not line.startswith("#") and not PIN.fullmatch(line)]


def verdict(body: dict) -> tuple[int, str]:
    """Exit code and message for what `pip-audit --format json` wrote."""
    asked = [package for package in body["dependencies"] if "skip_reason" not in package]
    skipped = len(body["dependencies"]) - len(asked)
    bad = [
        f"{package['name']} {package['version']}: {found['id']}, mended in {', '.join(found['fix_versions']) or 'none'}"
        for package in asked
        for found in package["vulns"]
    ]
    if bad:
        return 1, "\n".join([*bad, f"{len(bad)} known vulnerabilities in {len(asked)} packages"])
    if not asked:
        return 0, f"SKIPPED: the database knows none of the {skipped} packages (is a mirror in its place?); not audited"
    note = f"; {skipped} packages are not in the database and were NOT audited" if skipped else ""
    return 0, f"no known vulnerabilities in {len(asked)} packages{note}"


def main() -> int:
    if loose := unpinned(CONSTRAINTS.read_text(encoding="utf-8")):
        print(f"not pinned to a version: {', '.join(loose)}")
        return 2
    command = [sys.executable, "-m", "pip_audit", "--disable-pip", "--no-deps", "--requirement", str(CONSTRAINTS)]
    command += ["--format", "json", "--progress-spinner", "off"]
    try:
        ran = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
        code, message = verdict(json.loads(ran.stdout))
    except subprocess.TimeoutExpired:
        code, message = 0, f"SKIPPED: no answer from the database of vulnerabilities in {PATIENCE} s; not audited"
    except ValueError:
        last = (ran.stderr.strip().splitlines() or ["pip-audit said nothing"])[-1]
        code, message = 0, f"SKIPPED: the database of vulnerabilities cannot be asked; not audited ({last[:200]})"
    print(message)
    return code


if __name__ == "__main__":
    raise SystemExit(main())
