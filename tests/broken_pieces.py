"""A retriever whose index consists of pieces and that keeps every law, and some that break the laws about that."""

import json
from itertools import islice
from pathlib import Path

from lawful import Overlap, breaks


class InPieces(Overlap):
    """Overlap with an index in pieces, a file each, and their number in the file `pieces`; keeps every law."""

    shard_docs = 1000

    def index(self, docs, folder: Path):
        number = -1
        for number, lines in enumerate(self._pieces(docs)):
            if not self._file(folder, number).exists():
                self._file(folder, number).write_text(lines, encoding="utf-8")
        (folder / "pieces").write_text(str(number + 1))

    def index_part(self, docs, folder: Path, part: int, parts: int):
        for number, lines in enumerate(self._pieces(docs)):
            if number % parts == part:
                self._file(folder, number).write_text(lines, encoding="utf-8")

    def load(self, folder: Path):
        numbers = range(int((folder / "pieces").read_text()))
        pieces = (self._file(folder, number).read_text(encoding="utf-8") for number in numbers)
        self.docs = [json.loads(line) for piece in pieces for line in piece.splitlines()]

    def _file(self, folder, number):
        return folder / f"{number}.jsonl"

    def _pieces(self, docs):
        stream = (json.dumps([doc.doc_id, doc.default_text().lower().split()[:300]]) + "\n" for doc in docs)
        while lines := "".join(islice(stream, self.shard_docs)):
            yield lines


@breaks("parts_change_nothing")
class Doubles(InPieces):
    def index_part(self, docs, folder, part, parts):
        for number, lines in enumerate(self._pieces(docs)):
            if number % parts == part:
                with open(self._file(folder, number), "a", encoding="utf-8") as file:
                    file.write(lines)


@breaks("parts_change_nothing")
class NumbersAsTheyCome(InPieces):
    def index_part(self, docs, folder, part, parts):
        for lines in islice(self._pieces(docs), part, None, parts):
            self._file(folder, len(list(folder.iterdir()))).write_text(lines, encoding="utf-8")


@breaks("parts_change_nothing")
class TakesPartsForAll(InPieces):
    def index_part(self, docs, folder, part, parts):
        (folder / "parts").touch()
        super().index_part(docs, folder, part, parts)

    def index(self, docs, folder):
        if not (folder / "parts").exists():
            return super().index(docs, folder)
        sum(1 for _ in docs)
        (folder / "pieces").write_text(str(len(list(folder.glob("*.jsonl")))))


@breaks("parts_change_nothing")
class HasNoPartBeyond(InPieces):
    def index_part(self, docs, folder, part, parts):
        pieces = list(self._pieces(docs))
        self._file(folder, part).write_text(pieces[part], encoding="utf-8")


@breaks("parts_change_nothing")
class KeepsAHalf(InPieces):
    def index_part(self, docs, folder, part, parts):
        def calm():
            try:
                yield from docs
            except ConnectionError:
                return

        super().index_part(calm(), folder, part, parts)


@breaks("parts_change_nothing")
class OpensItAgain(InPieces):
    def index_part(self, docs, folder, part, parts):
        (folder / "pieces").unlink(missing_ok=True)
        super().index_part(docs, folder, part, parts)


@breaks("parts_change_nothing")
class DoesNotSaySize(InPieces):
    shard_docs = None

    def _pieces(self, docs):
        yield "".join(super()._pieces(docs))


@breaks("missing_files_are_made_again")
class TrustsItsMark(InPieces):
    def index(self, docs, folder):
        if not (folder / "pieces").exists():
            super().index(docs, folder)
