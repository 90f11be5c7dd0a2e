"""A WordPiece vocabulary of one's own, for models that start from random weights; the same text gives the same one."""

from collections import Counter
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
ALPHABET = 400  # the most frequent characters; rarer ones become [UNK]
TEXTS = 2_000_000  # passages read at most: more of the same changes little


def train_wordpiece(passages: Callable[[], Iterator[str]], size: int) -> list[str]:
    """The `size` pieces of an uncased vocabulary, [PAD] first; `passages()` starts a new pass over the text.

    The library numbers "##x" pieces in the order of a hash table and breaks ties by number, so two runs differ;
    naming every piece of one character beforehand makes the result a function of the text.
    """
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers

    normalizer = normalizers.BertNormalizer(lowercase=True)
    letters: Counter[str] = Counter()
    for text in islice(passages(), TEXTS):
        letters.update(normalizer.normalize_str(text))
    frequent = sorted(letters, key=lambda letter: (-letters[letter], letter))[:ALPHABET]
    alphabet = sorted(letter for letter in frequent if not letter.isspace())
    fixed = SPECIAL + alphabet + [f"##{letter}" for letter in alphabet]
    if size <= len(fixed):
        raise ValueError(f"a vocabulary of {size} pieces is too small: single characters alone need {len(fixed)}")
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))  # noqa: S106
    tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.WordPieceTrainer(
        vocab_size=size,
        special_tokens=fixed,
        initial_alphabet=alphabet,
        limit_alphabet=len(alphabet),
        show_progress=False,
    )
    tokenizer.train_from_iterator(islice(passages(), TEXTS), trainer)
    ids = tokenizer.get_vocab()
    return sorted(ids, key=lambda piece: ids[piece])


def wordpiece_tokenizer(pieces: list[str], longest: int) -> Any:
    """The transformers tokenizer of an uncased BERT with these pieces."""
    from transformers import BertTokenizer

    return BertTokenizer(vocab={piece: number for number, piece in enumerate(pieces)}, model_max_length=longest)


def load_tokenizer(place: str | Path) -> Any:
    """The tokenizer at `place`: a folder or name that transformers knows, or a vocab.txt with one piece a line."""
    from transformers import AutoTokenizer

    if Path(place).is_file():
        pieces = Path(place).read_text(encoding="utf-8").splitlines()
        if missing := [piece for piece in SPECIAL if piece not in pieces]:
            raise ValueError(
                f"{place}: not a BERT vocabulary: {', '.join(missing)} missing (one piece a line expected)"
            )
        return wordpiece_tokenizer(pieces, 512)
    return AutoTokenizer.from_pretrained(str(place), trust_remote_code=False)


def continuations(tokenizer: Any) -> list[bool]:
    """For each id whether its piece continues the word before it: "##ing" (WordPiece), or no "Ġ" (byte-level BPE).

    In byte-level vocabularies punctuation continues the word it stands at; special tokens never do.
    """
    kind = type(tokenizer.backend_tokenizer.model).__name__
    pieces = tokenizer.convert_ids_to_tokens(range(len(tokenizer)))
    special = set(tokenizer.all_special_tokens)
    if kind == "WordPiece":
        return [piece.startswith("##") for piece in pieces]
    if kind == "BPE" and any(piece.startswith("Ġ") for piece in pieces):
        return [not piece.startswith("Ġ") and piece not in special for piece in pieces]
    raise ValueError(f"cannot tell words apart in a {kind} vocabulary; known: WordPiece, byte-level BPE")
