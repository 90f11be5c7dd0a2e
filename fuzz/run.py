"""A long run against one parser: how many executions, what was found, how long, how much memory.

    python -m fuzz.run --parser qrels --executions 1000000              # mutations of our own, seeded
    python -m fuzz.run --parser qrels --executions 1000000 --guided     # guided by coverage: pip install atheris
    python -m fuzz.run --parser qrels --file build/fuzz/qrels/0         # one file again, with the traceback

A finding is an exception that the law of `fuzz.targets` forbids, or an execution of more than 10 CPU seconds.
Findings are told apart by exception and place; the first file of each is kept in build/fuzz/<parser>. The run ends with
one line of JSON. Files are written to memory (/dev/shm) where there is such a place.
"""

import argparse
import json
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
import warnings
from pathlib import Path
from typing import Any, NoReturn

HANG = 10  # seconds of CPU time, so that a busy machine is no finding


class Hang(BaseException):
    """An execution took longer than HANG seconds."""


class Session:
    """Executions of one parser, counted."""

    def __init__(self, parser: str, folder: Path, kept: Path) -> None:
        from fuzz.targets import TARGETS, refused

        self.name, self.target, self.refused, self.kept = parser, TARGETS[parser], refused, kept
        self.path = folder / self.target.file
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.executions = self.refusals = 0
        self.slowest, self.started = 0.0, time.monotonic()
        self.findings: dict[str, int] = {}
        signal.signal(signal.SIGVTALRM, _hang)
        warnings.simplefilter("ignore")

    def execute(self, data: bytes) -> None:
        """Write `data` to the file, let the parser read it, note what the law forbids."""
        with open(self.path, "wb") as file:
            file.write(data)
        begun = time.process_time()
        signal.setitimer(signal.ITIMER_VIRTUAL, HANG)
        try:
            self.refusals += self.refused(self.target, self.path)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            self._note(error, data)
        finally:
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        self.slowest = max(self.slowest, time.process_time() - begun)
        self.executions += 1

    def _note(self, error: BaseException, data: bytes) -> None:
        ours = [frame for frame in traceback.extract_tb(error.__traceback__) if "/fuzz/" not in frame.filename]
        place = next((f for f in reversed(ours) if "/harness/" in f.filename or "/retrievers/" in f.filename), None)
        key = f"{type(error).__name__} at {Path(place.filename).name}:{place.name}" if place else type(error).__name__
        if type(error).__name__ == "Broken":
            key = f"{key}: {str(error).replace(str(self.path), 'FILE')[:60]}"
        if key not in self.findings:
            self.kept.mkdir(parents=True, exist_ok=True)
            (self.kept / str(len(self.findings))).write_bytes(data)
            print(f"finding {len(self.findings)}: {key}: {str(error)[:300]}", file=sys.stderr, flush=True)
        self.findings[key] = self.findings.get(key, 0) + 1

    def report(self, engine: str) -> dict[str, Any]:
        """The figures of the run so far."""
        seconds = time.monotonic() - self.started
        return {
            "parser": self.name,
            "engine": engine,
            "executions": self.executions,
            "refused": self.refusals,
            "findings": self.findings,
            "seconds": round(seconds, 1),
            "cpu_seconds": round(time.process_time(), 1),
            "executions_per_cpu_s": round(self.executions / time.process_time()),
            "slowest_ms": round(self.slowest * 1000, 1),
            "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10,
        }


def _hang(*_: object) -> NoReturn:
    raise Hang(f"more than {HANG} s")


def own(session: Session, executions: int, seconds: float, seed: int) -> None:
    """Seeded mutations of the valid files, the valid files themselves first."""
    from fuzz.mutation import spoiled

    dice, seeds = random.Random(seed), session.target.seeds()
    for data in seeds:
        session.execute(_packed(data) if session.target.packed else data)
    end = time.monotonic() + seconds
    while session.executions < executions and time.monotonic() < end:
        session.execute(spoiled(dice, seeds, session.target.packed))


def guided(session: Session, executions: int, seconds: float, seed: int, corpus: Path) -> None:
    """Coverage-guided by atheris; half of the mutations are ours, half libFuzzer's. Ends the process."""
    import atheris

    from fuzz.mutation import spoiled, strike

    seeds, end = session.target.seeds(), time.monotonic() + seconds
    corpus.mkdir(parents=True, exist_ok=True)
    for number, data in enumerate(seeds):
        (corpus / f"seed-{number}").write_bytes(_packed(data) if session.target.packed else data)

    def one(data: bytes) -> None:
        session.execute(data)
        if session.executions >= executions or time.monotonic() > end:
            print(json.dumps(session.report("atheris")), flush=True)
            shutil.rmtree(session.path.parents[session.target.file.count("/")], ignore_errors=True)
            os._exit(1 if session.findings else 0)  # libFuzzer's own end runs no Python

    def mutate(data: bytes, size: int, number: int) -> bytes:
        dice = random.Random(number)
        if dice.random() < 0.5:
            return atheris.Mutate(data, size)
        made = (
            spoiled(dice, [data, *seeds], session.target.packed) if dice.random() < 0.7 else strike(dice, data, seeds)
        )
        return made[:size]

    flags = [sys.argv[0], f"-seed={seed + 1}", "-max_len=20000", "-rss_limit_mb=0", "-timeout=36000", "-verbosity=0"]
    atheris.Setup([*flags, str(corpus)], one, custom_mutator=mutate)
    atheris.Fuzz()


def _packed(data: bytes) -> bytes:
    import gzip

    return gzip.compress(data, 1)


def main() -> int:
    """Returns 1 if there was a finding."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parser", required=True, help="a name of fuzz.targets.TARGETS")
    parser.add_argument("--executions", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=900, help="stop after so many, whatever was reached")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--guided", action="store_true", help="by atheris")
    parser.add_argument("--file", type=Path, help="execute this one file")
    a = parser.parse_args()
    memory = Path("/dev/shm")  # below it mkdtemp makes a folder of our own
    scratch = Path(tempfile.mkdtemp(prefix="fuzz-", dir=memory if memory.is_dir() else None))
    kept = Path("build/fuzz") / a.parser
    if a.guided:
        import atheris

        with atheris.instrument_imports(
            include=["harness", "retrievers.encoders", "tomllib", "zipfile", "csv", "json"]
        ):
            session = Session(a.parser, scratch, kept)
        guided(session, a.executions, a.seconds, a.seed, kept / "corpus")
    session = Session(a.parser, scratch, kept)
    try:
        if a.file:
            session.path.write_bytes(a.file.read_bytes())
            print("refused" if session.refused(session.target, session.path) else "read")
            return 0
        own(session, a.executions, a.seconds, a.seed)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    print(json.dumps(session.report("own")))
    return 1 if session.findings else 0


if __name__ == "__main__":
    raise SystemExit(main())
