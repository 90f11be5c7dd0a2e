"""What must hold for every model: nothing leaks to the decoder, padding changes nothing, each family trains."""

from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import (
    AlbertConfig,
    BertConfig,
    BertForMaskedLM,
    DistilBertConfig,
    DistilBertForMaskedLM,
    RobertaConfig,
    RobertaForMaskedLM,
)

from retrievers.encoders import backbones
from retrievers.training.data.masking import IGNORED, Masked, Masker
from retrievers.training.models import objectives
from retrievers.training.models.dupmae import DupMAE, distinct_tokens
from retrievers.training.models.retromae import RetroMAE

V = 60
SIZES = {"vocab_size": V, "pad_token_id": 0, "max_position_embeddings": 24}
BERT = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
MASKER = Masker(torch.arange(V) >= 40, 4, 0.3, 0.5)


def bert() -> BertForMaskedLM:
    torch.manual_seed(0)
    return BertForMaskedLM(BertConfig(**SIZES, **BERT))


def roberta() -> RobertaForMaskedLM:
    torch.manual_seed(0)
    return RobertaForMaskedLM(RobertaConfig(**SIZES, **BERT, bos_token_id=2, eos_token_id=3))


def distilbert() -> DistilBertForMaskedLM:
    torch.manual_seed(0)
    return DistilBertForMaskedLM(DistilBertConfig(**SIZES, dim=16, n_layers=2, n_heads=2, hidden_dim=32))


def batch(lengths: list[int], seed: int = 0) -> Masked:
    generator = torch.Generator().manual_seed(seed)
    ids = torch.zeros(len(lengths), max(lengths), dtype=torch.int64)
    for row, length in zip(ids, lengths, strict=True):
        row[:length] = torch.randint(5, V, (length,), generator=generator)
        row[0], row[length - 1] = 2, 3
    return MASKER.draw(ids, torch.tensor(lengths), generator)


@pytest.mark.parametrize("make", [bert, roberta, distilbert])
@pytest.mark.parametrize("objective", ["mlm", "retromae", "dupmae"])
@pytest.mark.parametrize("preset", ["code", "paper"])
def test_every_family_learns_one_batch(make: Any, objective: str, preset: str) -> None:
    model = objectives.make(objective, make(), objectives.PRESETS[preset][objective]).eval()
    optimizer = torch.optim.AdamW(model.parameters(), 1e-2)
    one = batch([12, 9, 20, 3])
    first = model(one)
    for _ in range(30):
        losses = model(one)
        assert losses["loss"].item() == pytest.approx(
            sum(model.weights[name] * loss.item() for name, loss in losses.items() if name != "loss"), rel=1e-5
        )
        losses["loss"].backward()
        optimizer.step()
        optimizer.zero_grad()
    last = model(one)
    assert all(last[name] < first[name] for name in ("loss", *model.weights))


def test_an_unknown_architecture_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"cannot pre-train a 'albert' model.*known for: bert, roberta, distilbert"):
        backbones.family(AlbertConfig())


@pytest.mark.parametrize(("make", "most"), [(bert, 24), (roberta, 23), (distilbert, 24)])
def test_the_longest_text_a_model_has_positions_for(make: Any, most: int) -> None:
    lm = make().eval()
    assert backbones.longest(lm.config) == most
    model = RetroMAE(lm).eval()
    assert model(batch([most]))["loss"].isfinite()


@pytest.mark.parametrize("make", [bert, roberta, distilbert])
@pytest.mark.parametrize("kind", [RetroMAE, DupMAE])
def test_a_token_reaches_the_decoders_guess_of_it_only_through_cls(make: Any, kind: type[RetroMAE]) -> None:
    """With [CLS] frozen, changing x_i leaves the decoder's row i as it was, and changes rows that see it."""
    model, one = kind(make()).eval(), batch([12])
    assert one.visible is not None
    hidden = torch.randn(1, 12, 16)

    def rows(ids: Tensor) -> Tensor:
        return model.decoder(model.queries(hidden[:, 0], 12), model.contexts(ids, hidden), one.visible)

    before = rows(one.ids)
    for i in range(1, 12):
        changed = one.ids.clone()
        changed[0, i] = (changed[0, i] + 7) % 30 + 5
        after = rows(changed)
        assert torch.equal(after[0, i], before[0, i])
        seen_by = one.visible[0, :, i]
        assert torch.equal(after[0, ~seen_by], before[0, ~seen_by])
        assert not torch.equal(after[0, seen_by], before[0, seen_by])


@pytest.mark.parametrize("preset", ["code", "paper"])
@pytest.mark.parametrize("objective", ["retromae", "dupmae"])
def test_rows_of_the_decoder_lose_what_they_lose_among_all(objective: str, preset: str) -> None:
    """Each row's loss is the same alone; the mean over all of them, one drawn at a time, is the loss of all."""
    model = objectives.make(objective, bert(), objectives.PRESETS[preset][objective]).eval()
    whole = batch([14, 14])
    assert whole.visible is not None
    single = []
    for at in range(1, 13):
        rebuilt = torch.full((2, 1), at)
        one = whole._replace(rebuilt=rebuilt, visible=whole.visible[:, at : at + 1])
        single.append(model(one)["decoder_mlm"].item())
    assert model(whole)["decoder_mlm"].item() == pytest.approx(sum(single) / 12, rel=1e-5)
    padded = torch.tensor([[1, 2, 3], [5, 0, 0]])
    visible = whole.visible.gather(1, padded[..., None].expand(-1, -1, 14))
    found = model(whole._replace(rebuilt=padded, visible=visible))
    assert found["decoder_mlm"].isfinite() and found["encoder_mlm"] == model(whole)["encoder_mlm"]


@pytest.mark.parametrize("objective", ["mlm", "retromae", "dupmae"])
def test_padding_and_the_order_of_a_batch_change_nothing(objective: str) -> None:
    switches = objectives.PRESETS["paper"][objective]  # its sums per text do not weigh texts by length
    model = objectives.make(objective, bert(), switches).eval()
    together = batch([20, 9, 3])
    assert together.visible is not None
    alone = []
    for b in (2, 0, 1):
        length = int(together.lengths[b])
        cut = [value[b : b + 1, :length] for value in (together.ids, together.encoder_ids, together.labels)]
        alone.append(
            Masked(cut[0], together.lengths[b : b + 1], *cut[1:], together.visible[b : b + 1, :length, :length])
        )
    for name in model.weights:
        apart = [model(one)[name].item() for one in alone]
        assert model(together)[name].item() == pytest.approx(sum(apart) / 3, rel=1e-5)


@pytest.mark.parametrize(
    ("normalise", "expected"),
    [("sum", lambda texts: sum(t[0] for t in texts) / 2), ("unique", lambda texts: sum(t[0] / t[1] for t in texts) / 2),
     ("tokens", lambda texts: sum(t[0] / t[2] for t in texts) / 2)],
)  # fmt: skip
@pytest.mark.parametrize("include_masked", [True, False])
def test_bag_of_words_as_the_paper_writes_it(normalise: Any, expected: Any, include_masked: bool) -> None:
    """- sum over the distinct tokens of log softmax(mu), mu the maximum of the head's logits, one text at a time."""
    model = DupMAE(bert(), normalise=normalise, include_masked=include_masked).eval()
    one = batch([20, 9])
    mask = torch.arange(20) < one.lengths[:, None]
    logits = model.lm(input_ids=one.encoder_ids, attention_mask=mask.long()).logits
    texts = []
    for b, length in enumerate(one.lengths.tolist()):
        rows = [i for i in range(1, length) if include_masked or one.labels[b, i] == IGNORED]
        chances = logits[b, rows].amax(0).log_softmax(0)
        tokens = one.ids[b, 1 : length - 1].tolist()
        texts.append((-sum(chances[x].item() for x in set(tokens)), len(set(tokens)), len(tokens)))
    assert model(one)["bag_of_words"].item() == pytest.approx(expected(texts), rel=1e-5)


def test_distinct_tokens() -> None:
    ids, lengths = torch.tensor([[2, 9, 5, 9, 5, 7, 3], [2, 8, 3, 0, 0, 0, 0]]), torch.tensor([7, 3])
    tokens, first = distinct_tokens(ids, lengths)
    assert [row[keep].tolist() for row, keep in zip(tokens, first, strict=True)] == [[5, 7, 9], [8]]


def test_preset_code_is_the_default_of_the_classes() -> None:
    code = objectives.PRESETS["code"]
    for kind, name in ((RetroMAE, "retromae"), (DupMAE, "dupmae")):
        model, preset = kind(bert()), objectives.make(name, bert(), code[name])
        assert (model.weights, model.query, model.average) == (preset.weights, preset.query, preset.average)
    assert (DupMAE(bert()).normalise, DupMAE(bert()).include_masked) == ("tokens", True)
