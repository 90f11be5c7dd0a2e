"""Lucene through Java: analyzers, a writer of one part of an index, a searcher over all parts. Knows no ids.

Only what the two hot loops need crosses between Python and Java: a string per field and document, a string per query,
and the hits of a query as one block of bytes.

pyjnius (1.9) keeps the receiver of a call in a method object that all instances of a class share. So a method is looked
up and called at once, its arguments ready in local variables: nothing can then come between, no other object, no other
thread. A bound method that is kept, as in `add = writer.addDocument`, acts on whichever object was used last.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from retrievers.anserini import java

# The languages of Anserini's AnalyzerMap, each with Lucene's own analyzer (stop words and stemmer of the language).
_CODES = "ar bn da de en es fa fi fr hi hu id it ja ko nl no pl pt ru sv te th tr uk zh"
LANGUAGES = frozenset(_CODES.split())
MOST_TERMS = 1 << 20  # of one query; Lucene's 1,024 is too few where the queries are whole documents


def analyzer(stemmer: str, language: str) -> Any:
    """Anserini's: DefaultEnglishAnalyzer with the "porter" or "krovetz" stemmer or "none", else the language's own."""
    if language == "th" and not java.find_class("org.apache.lucene.analysis.th.ThaiTokenizer").DBBI_AVAILABLE:
        raise ValueError(
            "language='th' needs a Java that divides Thai into words (module jdk.localedata), which the one that comes "
            "with the package does not: install a JDK 21 or newer and set JAVA_HOME to it"
        )
    if language != "en":
        return java.find_class("io.anserini.analysis.AnalyzerMap").getLanguageSpecificAnalyzer(language)
    english = java.find_class("io.anserini.analysis.DefaultEnglishAnalyzer")
    return english.newNonStemmingInstance() if stemmer == "none" else english.newStemmingInstance(stemmer)


class PartWriter:
    """Writes one Lucene index, from one thread at a time; document i added is document i of the index.

    Each field keeps term frequencies and lengths, all that BM25 reads: no positions, no stored text, no ids. There is
    nothing to open until `commit`.
    """

    def __init__(self, folder: Path, fields: Sequence[str], analyzer: Any, buffer_mb: float) -> None:
        find = java.find_class
        options = find("org.apache.lucene.document.FieldType")()
        options.setIndexOptions(find("org.apache.lucene.index.IndexOptions").DOCS_AND_FREQS)
        options.freeze()
        self._document = find("org.apache.lucene.document.Document")()
        self._fields = [find("org.apache.lucene.document.Field")(name, _chars(""), options) for name in fields]
        for field in self._fields:
            self._document.add(field)
        settings = find("org.apache.lucene.index.IndexWriterConfig")(analyzer)
        settings.setRAMBufferSizeMB(buffer_mb)
        # Merges neighbours only, so that documents keep their order; Lucene's default policy does not.
        settings.setMergePolicy(find("org.apache.lucene.index.LogByteSizeMergePolicy")())
        self._writer = find("org.apache.lucene.index.IndexWriter")(_directory(folder), settings)

    def add(self, documents: Iterable[Sequence[str]]) -> None:
        """Add documents, each one string per field."""
        writer, document = self._writer, self._document
        for strings in documents:
            for field, string in zip(self._fields, strings, strict=True):
                text = _text(string)
                field.setStringValue(text)
            writer.addDocument(document)

    def commit(self) -> None:
        """Write everything to disk, flushed, and close."""
        self._writer.commit()
        self._writer.close()

    def rollback(self) -> None:
        """Close and leave no index."""
        self._writer.rollback()


class Searcher:
    """Searches the parts as one collection: statistics and document numbers run over them all, in order."""

    def __init__(self, parts: Sequence[Path], fields: Sequence[str], analyzer: Any, k1: float, b: float) -> None:
        find = java.find_class
        open_reader = find("org.apache.lucene.index.DirectoryReader").open
        self._readers = [open_reader(_directory(part)) for part in parts]
        self.documents = [int(reader.numDocs()) for reader in self._readers]
        reader = find("org.apache.lucene.index.MultiReader")(*map(_reader, self._readers))
        find("org.apache.lucene.search.IndexSearcher").setMaxClauseCount(MOST_TERMS)
        searcher = find("org.apache.lucene.search.IndexSearcher")(_reader(reader))
        searcher.setSimilarity(find("org.apache.lucene.search.similarities.BM25Similarity")(k1, b))
        self._searcher, self._reader, self._mapper, self._analyzer = searcher, reader, _mapper(), analyzer
        self._generator = find("io.anserini.search.query.BagOfWordsQueryGenerator")()
        self._target: Any = fields[0]
        if len(fields) > 1:  # one bag of words per field, their scores added with weight 1
            self._target = find("java.util.HashMap")()
            for field in fields:
                self._target.put(field, find("java.lang.Float")(1.0))
        self.top("", 1)  # pyjnius looks up the classes of results here, in one thread

    def top(self, text: str, n: int) -> tuple[np.ndarray, np.ndarray]:
        """The n best documents for `text` as a bag of words: their numbers (int64) and scores (float32), best first.

        Lucene puts equal scores in the order of document numbers and cuts there. Safe to call from several threads.
        """
        generator, searcher, mapper = self._generator, self._searcher, self._mapper
        target, analyzer, words = self._target, self._analyzer, _text(text)
        query = generator.buildQuery(target, analyzer, words)
        hits = searcher.search(query, n)
        json = mapper.writeValueAsBytes(hits).tostring()
        flat = np.array(orjson.loads(b"[%b]" % json.translate(None, b"[]")), dtype=np.float64).reshape(-1, 2)
        return flat[:, 1].astype(np.int64), flat[:, 0].astype(np.float32)

    def terms(self, field: str) -> int:
        """How many terms the field holds over all documents, repeats counted."""
        return int(self._reader.getSumTotalTermFreq(field)) if sum(self.documents) else 0

    def close(self) -> None:
        """Let go of the files."""
        for reader in self._readers:
            reader.close()


def _mapper() -> Any:
    """A Jackson mapper that writes TopDocs as [[[score, number], ...]], so that the hits cross as one block."""
    find = java.find_class
    mapper = find("com.fasterxml.jackson.databind.ObjectMapper")()
    array = find("com.fasterxml.jackson.annotation.JsonFormat$Shape").ARRAY
    shape = find("com.fasterxml.jackson.annotation.JsonFormat$Value").forShape(array)
    without = find("com.fasterxml.jackson.annotation.JsonIgnoreProperties$Value").forIgnoredProperties
    for name, unused in {"TopDocs": "totalHits", "ScoreDoc": "shardIndex"}.items():
        override = mapper.configOverride(find("java.lang.Class").forName(f"org.apache.lucene.search.{name}"))
        override.setFormat(shape)
        override.setIgnorals(without(unused))
    return mapper


def _directory(folder: Path) -> Any:
    path = java.find_class("java.nio.file.Paths").get(str(folder))
    return java.find_class("org.apache.lucene.store.FSDirectory").open(path)


def _reader(reader: Any) -> Any:
    """The same object typed as its base class, without which pyjnius cannot choose the constructor."""
    from jnius import cast

    return cast("org.apache.lucene.index.IndexReader", reader)


def _chars(string: str) -> Any:
    from jnius import cast

    return cast("java.lang.CharSequence", java.find_class("java.lang.String")(string))


def _text(string: str) -> str:
    """`string` with lone surrogates, which are no characters and cannot cross to Java, replaced by question marks."""
    return string if string.isascii() else string.encode("utf-8", "replace").decode()
