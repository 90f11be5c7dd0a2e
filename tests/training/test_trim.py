"""A trimmed BERT: the same weights where something was kept, a vocabulary that still spells every word."""

import pytest
import torch
from transformers import BertConfig, BertForMaskedLM

from retrievers.training.data.vocabulary import SPECIAL, load_tokenizer, wordpiece_tokenizer
from retrievers.training.models.initial import load_model
from retrievers.training.trim import balanced, frequent_pieces, main, piece_counts, trim

LETTERS = [chr(code) for code in range(ord("a"), ord("z") + 1)]
PIECES = [
    SPECIAL[0],
    "[unused0]",
    *SPECIAL[1:],
    *LETTERS,
    *(f"##{x}" for x in LETTERS),
    "heart",
    "attack",
    "##s",
    "zoo",
]
PIECES = list(dict.fromkeys(PIECES))
TEXTS = ["heart attacks", "heart", "attack heart"]


@pytest.fixture
def tokenizer():
    return wordpiece_tokenizer(PIECES, 64)


@pytest.fixture
def lm():
    torch.manual_seed(0)
    sizes = {"hidden_size": 8, "num_hidden_layers": 3, "num_attention_heads": 2, "intermediate_size": 16}
    return BertForMaskedLM(BertConfig(vocab_size=len(PIECES), max_position_embeddings=64, **sizes))


def test_the_pieces_are_the_frequent_ones_and_all_letters(tokenizer):
    kept = frequent_pieces(tokenizer, TEXTS, len(SPECIAL) + 52 + 2)
    assert kept[:5] == SPECIAL and {"heart", "attack"} < set(kept) and not {"zoo", "[unused0]"} & set(kept)
    small = wordpiece_tokenizer(kept, 64)
    assert small.tokenize("zoo heart") == ["z", "##o", "##o", "heart"]


def test_too_few_pieces_are_refused(tokenizer):
    with pytest.raises(ValueError, match="single-character pieces alone are 57"):
        frequent_pieces(tokenizer, TEXTS, 20)


def test_what_is_kept_is_kept_as_it_was(lm, tokenizer):
    kept = frequent_pieces(tokenizer, TEXTS, 59)
    small = trim(lm, tokenizer, kept, [0, 2], 16)
    assert small.config.num_hidden_layers == 2 and small.bert.embeddings.position_embeddings.weight.shape == (16, 8)
    rows = tokenizer.convert_tokens_to_ids(kept)
    assert torch.equal(small.bert.embeddings.word_embeddings.weight, lm.bert.embeddings.word_embeddings.weight[rows])
    assert torch.equal(small.cls.predictions.bias, lm.cls.predictions.bias[rows])
    for here, there in ((0, 0), (1, 2)):
        ours, theirs = small.bert.encoder.layer[here].state_dict(), lm.bert.encoder.layer[there].state_dict()
        assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


def test_with_everything_kept_the_model_computes_the_same(lm, tokenizer):
    same = trim(lm, tokenizer, PIECES, [0, 1, 2], 64).eval()
    ids = torch.tensor([tokenizer(TEXTS[0])["input_ids"]])
    assert torch.equal(same(ids).logits, lm.eval()(ids).logits)


@pytest.mark.parametrize(("layers", "positions", "message"), [([3], 16, "0 to 2"), ([], 16, "0 to 2"), ([0], 65, "64")])
def test_what_the_model_has_not_is_refused(lm, tokenizer, layers, positions, message):
    with pytest.raises(ValueError, match=message):
        trim(lm, tokenizer, PIECES, layers, positions)


def test_the_command_leaves_a_start_for_training(tmp_path, lm, tokenizer):
    lm.save_pretrained(tmp_path / "big")
    tokenizer.save_pretrained(tmp_path / "big")
    (tmp_path / "text.txt").write_text("\n".join(TEXTS))
    command = [
        tmp_path / "big",
        "--layers",
        "1",
        "--pieces",
        "59",
        "--positions",
        "16",
        "--text",
        tmp_path / "text.txt",
    ]
    assert main([*map(str, command), "--output", str(tmp_path / "small")]) == 0
    small = load_model(str(tmp_path / "small"), load_tokenizer(tmp_path / "small"), 0)
    assert small.fresh == [] and small.lm.config.vocab_size == 59


def test_balanced_sources_count_the_same_and_the_order_of_the_vocabulary_as_much(tokenizer):
    long, short = (piece_counts(tokenizer, texts) for texts in (["heart heart"] * 1000, ["attack"]))
    found = balanced(tokenizer, [long, short])
    harmonic = 1 + 1 / 2 + 1 / 3  # heart, attack, zoo in the order of the vocabulary
    shares = [0.5 + 1 / harmonic, 0.5 + 1 / 2 / harmonic, 1 / 3 / harmonic]
    ids = tokenizer.convert_tokens_to_ids(["heart", "attack", "zoo"])
    assert [found[at] for at in ids] == pytest.approx(shares)
