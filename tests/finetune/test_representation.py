"""The three representations: Eq. 12 by brute force, what top-k keeps, and where gradients go."""

import pytest
import torch
from torch import Tensor
from transformers import BertForMaskedLM

from retrievers.encoders import backbones
from retrievers.training.models.heads import pooled_logits
from retrievers.training.ranking.representation import SPREAD, Docs, Queries, Representation, score_all, score_groups
from retrievers.training.ranking.representation_top import top_logits

KINDS = ("cls", "ot", "joint")


@pytest.fixture
def lm(pretrained) -> BertForMaskedLM:
    return BertForMaskedLM.from_pretrained(pretrained).eval()


def texts(*lengths: int) -> tuple[Tensor, Tensor]:
    draw = torch.Generator().manual_seed(sum(lengths))
    ids = torch.randint(5, 59, (len(lengths), max(lengths)), generator=draw)
    for row, length in zip(ids, lengths, strict=True):
        row[0], row[length - 1] = 2, 3
        row[length:] = 0
    return ids, torch.tensor(lengths)


def by_hand(lm: BertForMaskedLM, query: Tensor, doc: Tensor, made: Representation, include_sep: bool) -> float:
    """Eq. 12 for two texts without padding, written as the paper has it."""
    parts = []
    for ids in (query, doc):
        hidden = lm.bert(ids[None]).last_hidden_state
        logits = lm(ids[None]).logits[0, 1 : None if include_sep else -1]
        parts.append((hidden[0, 0], made.activation(logits.max(0).values)))
    (h_q, mu_q), (h_d, mu_d) = parts
    kept = mu_d.argsort(descending=True)[: made.k].tolist()
    sparse = sum(float(mu_q[i] * mu_d[i]) for i in kept)
    if made.kind == "cls":
        return float(h_q @ h_d)
    if made.kind == "ot":
        return sparse
    return float((made.projection @ h_q) @ (made.projection @ h_d)) + sparse


def total(parts: tuple[Tensor | None, Tensor | None]) -> Tensor:
    return sum((part for part in parts if part is not None), torch.zeros(()))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("activation", "include_sep"), [("raw", True), ("relu", True), ("log1p_relu", False)])
def test_scores_are_those_of_the_equation(lm, kind: str, activation: str, include_sep: bool) -> None:
    made = Representation(lm, kind, 6, 7, activation, include_sep)
    queries, docs = texts(5, 8, 4), texts(10, 6, 13, 7)
    with torch.no_grad():
        scores = total(score_all(made.queries(*queries), made.docs(*docs)))
        expected = [
            [by_hand(lm, q[:m], d[:n], made, include_sep) for d, n in zip(*docs, strict=True)]
            for q, m in zip(*queries, strict=True)
        ]
    torch.testing.assert_close(scores, torch.tensor(expected), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_a_query_and_its_own_documents_score_as_in_the_whole_matrix(lm, kind: str) -> None:
    made = Representation(lm, kind, 6, 7, "raw")
    queries, docs = made.queries(*texts(5, 8, 4)), made.docs(*texts(10, 6, 13, 7, 9, 4))
    own = total(score_groups(queries, docs))
    everything = total(score_all(queries, docs))
    assert own.shape == (3, 2)
    torch.testing.assert_close(own, torch.stack([everything[at, 2 * at : 2 * at + 2] for at in range(3)]))


def test_all_entries_kept_is_the_full_product(lm) -> None:
    made = Representation(lm, "ot", k=1000, activation="relu")
    queries, docs = texts(5, 8), texts(10, 6)
    full = made.queries(*queries).sparse @ made.queries(*docs).sparse.T
    torch.testing.assert_close(score_all(made.queries(*queries), made.docs(*docs))[1], full)


@pytest.mark.parametrize("k", [1, 5, 59])
def test_top_entries_and_their_gradient_are_those_of_the_pooled_logits(lm, k: int) -> None:
    output = backbones.output(lm)
    hidden = torch.randn(3, 9, 16, requires_grad=True)
    keep = torch.arange(9) < torch.tensor([9, 4, 1])[:, None]
    ways = []
    for top in (True, False):
        if top:
            values, entries = top_logits(hidden, output.weight, output.bias, keep, k)
        else:
            values, entries = pooled_logits(hidden, output.weight, output.bias, keep).topk(min(k, len(output.bias)))
        weights = torch.linspace(-1, 1, values.numel()).view_as(values)
        grads = torch.autograd.grad((weights * values).sum(), (hidden, output.weight, output.bias))
        ways.append((values, entries, *grads))
    for ours, plain in zip(*ways, strict=True):
        torch.testing.assert_close(ours, plain, rtol=1e-5, atol=1e-5)


def test_only_the_kept_entries_of_a_document_have_a_gradient(lm) -> None:
    made = Representation(lm, "ot", k=3, activation="raw")
    docs = made.docs(*texts(10))
    docs.values.sum().backward()
    touched = backbones.output(lm).bias.grad.nonzero().flatten()
    assert touched.tolist() == docs.entries.sort().values.flatten().tolist()


@pytest.mark.parametrize("kind", KINDS)
def test_padding_and_order_change_nothing(lm, kind: str) -> None:
    made = Representation(lm, kind, 6, 7)
    ids, lengths = texts(10, 6, 13)
    with torch.no_grad():
        together = made.docs(ids, lengths)
        turned = made.docs(ids.flip(0), lengths.flip(0))
        alone = made.docs(ids[1:2, :6], lengths[1:2])
    for name in ("dense", "values"):
        one, other, single = (getattr(docs, name) for docs in (together, turned, alone))
        if one is not None:
            torch.testing.assert_close(one, other.flip(0), rtol=1e-4, atol=1e-5)
            torch.testing.assert_close(one[1:2], single, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_every_parameter_has_a_gradient(lm, kind: str) -> None:
    made = Representation(lm, kind, 6, 7, scale=0.5, learn_scale=kind == "joint")
    scores = [part for part in score_all(made.queries(*texts(5, 8)), made.docs(*texts(10, 6))) if part is not None]
    (sum(part.sum() for part in scores) * made.scale).backward()
    assert [name for name, parameter in made.named_parameters() if parameter.grad is None] == []
    assert ("projection" in dict(made.named_parameters())) == (kind == "joint")


def test_an_empty_text_has_a_vector_in_both_readings_of_the_separator(lm) -> None:
    for include_sep in (True, False):
        made = Representation(lm, "joint", 6, 7, include_sep=include_sep)
        docs = made.docs(*texts(2, 5))
        assert docs.values.isfinite().all() and docs.dense.isfinite().all()


def test_scores_with_parts_missing() -> None:
    assert score_all(Queries(None, None), Docs(None, None, None)) == (None, None)
    assert score_groups(Queries(None, None), Docs(None, None, None)) == (None, None)


def test_the_exported_projection_carries_the_scale(lm) -> None:
    made = Representation(lm, "joint", 6, 7, "raw", scale=0.25)
    exported = made.exported_projection()
    queries, docs = made.queries(*texts(5, 8)), made.docs(*texts(10, 6, 9))
    dense, sparse = score_all(queries, docs)
    first = [side.dense @ torch.linalg.pinv(made.projection).T @ exported.T for side in (queries, docs)]
    torch.testing.assert_close((first[0] @ first[1].T + sparse) * 0.25, dense + 0.25 * sparse, rtol=1e-3, atol=1e-3)


def test_balance_spreads_the_sparse_scores_and_refuses_a_constant_part(lm) -> None:
    made = Representation(lm, "joint", 6, 7, "raw")
    queries, docs = made.queries(*texts(5, 8)), made.docs(*texts(10, 6, 9))
    before = made.projection.clone()
    sparse = score_all(queries, docs)[1]
    made.balance(sparse.std(1).mean().item(), continued=False)
    torch.testing.assert_close((sparse * made.scale).std(1).mean(), torch.tensor(SPREAD))
    assert torch.equal(made.projection, before)
    with pytest.raises(ValueError, match="all equal"):
        made.balance(0.0, continued=False)


def test_balance_of_a_continued_checkpoint_keeps_its_ranking(lm) -> None:
    made = Representation(lm, "joint", 6, 7, "raw")
    sides = texts(5, 8), texts(10, 6, 9)
    before = sum(score_all(made.queries(*sides[0]), made.docs(*sides[1])))
    made.balance(7.0, continued=True)
    dense, sparse = score_all(made.queries(*sides[0]), made.docs(*sides[1]))
    torch.testing.assert_close((dense + made.scale * sparse) / made.scale, before, rtol=1e-3, atol=1e-3)
