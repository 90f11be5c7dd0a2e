"""Queries made of a document, so that retrievers can be taught where nobody judged anything.

    title      its title
    sentence   one of its sentences
    keywords   the words of it that few documents have, in their order
    span       some words that follow each other

What such a query's document is, is known; how much other documents answer it is left to a teacher. A made query is a
function of (document, kind, seed) and of the document frequencies alone.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Literal

import numpy as np

from retrievers.training.examples.pairs_documents import SENTENCE_END

Kind = Literal["title", "sentence", "keywords", "span"]
KINDS: tuple[Kind, ...] = ("title", "sentence", "keywords", "span")
WORD = re.compile(r"[^\W_]+(?:['-][^\W_]+)*")
FEWEST, MOST = 3, 30  # words of a made query
KEYWORDS, SPAN = (3, 6), (4, 12)  # words, from and to
COMMON = 0.1  # share of documents beyond which a word is no keyword


def words_of(text: str) -> list[str]:
    """The words of a text, lower case."""
    return [word.lower() for word in WORD.findall(text)]


def document_frequencies(texts: Iterable[str]) -> tuple[Counter[str], int]:
    """In how many texts each word stands, and how many texts there are."""
    found: Counter[str] = Counter()
    documents = 0
    for text in texts:
        found.update(set(words_of(text)))
        documents += 1
    return found, documents


def made_query(
    kind: Kind, doc_id: str, title: str, text: str, frequencies: Mapping[str, int], documents: int, seed: int = 0
) -> str | None:
    """The query of a kind that this document gives, None where it gives none of FEWEST to MOST words."""
    draw = np.random.default_rng([seed, KINDS.index(kind), *hashlib.blake2b(doc_id.encode(), digest_size=8).digest()])
    if kind == "title":
        made = title
    elif kind == "sentence":
        made = _sentence(text, draw)
    elif kind == "span":
        made = _span(text, draw)
    else:
        made = _keywords(f"{title} {text}", frequencies, documents, draw)
    made = " ".join(made.split())
    return made if asked(made) else None


def asked(text: str) -> bool:
    """Whether a text has a query's length and is of words: numbers and formulas are asked by nobody."""
    words = words_of(text)
    spoken = sum(word.isalpha() and len(word) > 1 for word in words)
    return FEWEST <= spoken <= len(words) <= MOST and 2 * spoken > len(words)


def _sentence(text: str, draw: np.random.Generator) -> str:
    sentences = [one for one in SENTENCE_END.split(text.strip()) if len(one.split()) >= 2 * FEWEST and asked(one)]
    return sentences[draw.integers(len(sentences))] if sentences else ""


def _span(text: str, draw: np.random.Generator) -> str:
    words = text.split()
    length = min(int(draw.integers(SPAN[0], SPAN[1] + 1)), len(words))
    first = int(draw.integers(len(words) - length + 1))
    return " ".join(words[first : first + length])


def _keywords(text: str, frequencies: Mapping[str, int], documents: int, draw: np.random.Generator) -> str:
    """Of the rarest words that are in two documents at least, a drawn few: not always the very rarest."""
    distinct = [word for word in dict.fromkeys(words_of(text)) if len(word) > 2 and not word.isdigit()]
    known = [word for word in distinct if 1 < frequencies.get(word, 0) <= max(2, COMMON * documents)]
    wanted = int(draw.integers(KEYWORDS[0], KEYWORDS[1] + 1))
    rarest = sorted(known, key=lambda word: (frequencies[word], word))[: 3 * wanted]
    taken = {rarest[at] for at in draw.permutation(len(rarest))[:wanted]}
    return " ".join(word for word in known if word in taken)
