"""A finished suite is recognised without making a retriever for every result."""

from pathlib import Path

import toy
from harness.results import manifest
from harness.running import suites
from jobs import run_all

PLUGIN = """
from pathlib import Path
class Heavy:
    runtime = frozenset({"made"})
    def __init__(self, made: str = "", depth: int = 1):
        self.made, self.depth = made, depth
        with open(made, "a") as file:
            file.write("one\\n")
    def index(self, docs, folder):
        (folder / "ids").write_text(" ".join(doc.doc_id for doc in docs))
    def load(self, folder):
        self.ids = (folder / "ids").read_text().split()
    def search(self, queries, k):
        for query in queries:
            for doc_id in self.ids[: min(k, self.depth)]:
                yield query.query_id, doc_id, 1.0
"""


def test_one_retriever_a_system_and_none_a_result(tmp_path: Path) -> None:
    for name in ("one", "two", "three"):
        toy.write(tmp_path / "data" / name)
    (tmp_path / "heavy.py").write_text(PLUGIN)
    made = tmp_path / "made"
    systems = [
        suites.system(f"{tmp_path / 'heavy.py'}:Heavy", {"made": str(made), "depth": depth}, f"heavy-{depth}")
        for depth in (1, 2)
    ]

    def again() -> tuple[list[str], int]:
        made.write_text("")
        outcomes = run_all(
            systems, ["one", "two", "three"], k=10, results=tmp_path / "results", cache=tmp_path / "cache",
            data_dirs=[tmp_path / "data"],
        )  # fmt: skip
        return [outcome.status for outcome in outcomes], len(made.read_text().split())

    assert again()[0] == ["done"] * 6
    assert again() == (["reused"] * 6, 2)
    place = manifest.folder(tmp_path / "results", "heavy-2", "three")
    (place / manifest.SCORES).write_bytes(b"damaged")
    assert again()[0] == ["reused"] * 5 + ["done"]
    (place / manifest.NAME).unlink()
    assert again()[0] == ["reused"] * 5 + ["done"]
