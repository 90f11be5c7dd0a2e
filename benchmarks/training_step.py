"""One DupMAE training step, the shape of BERT base: against `pretense` and a plain form that computes all logits.

    pip install pretense==0.1.1
    python benchmarks/training_step.py --texts 4 --length 128 --rounds 3
    python benchmarks/training_step.py --texts 16 --length 128 --decoder-rows 0.25

Forward and backward pass of the same batch of full-length texts, masks made beforehand, no dropout, no optimiser (it
is the same for all), one process, sides in turn. The plain form and ours have the same loss and gradients, which is
checked first; pretense computes a related loss (see its decoder's position table). Without it installed it is left out.
`sampled` is ours with --decoder-rows: an estimate of the same loss.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from importlib.util import find_spec

import plain_dupmae
import torch
from plain_dupmae import VOCABULARY, PlainDupMAE

from retrievers.encoders.memory import keep_freed_memory
from retrievers.training.models.dupmae import DupMAE


def pretense_step(layers: int, hidden: int, texts: int, length: int, device: str) -> Callable[[], torch.Tensor]:
    from pretense.modeling import create_pretraining_model

    model = create_pretraining_model("dupmae", plain_dupmae.model(layers, hidden, VOCABULARY)).to(device).train()
    batch, weights = plain_dupmae.batch(texts, length, VOCABULARY, device)
    assert batch.visible is not None
    ordinary = torch.ones_like(batch.ids, dtype=torch.bool)
    ordinary[:, 0] = ordinary[:, -1] = False
    given = {
        "encoder_input_ids": batch.encoder_ids,
        "encoder_attention_mask": torch.ones_like(batch.ids),
        "encoder_labels": batch.labels,
        "decoder_input_ids": batch.ids,
        "decoder_attention_mask": ~batch.visible,
        "decoder_labels": batch.ids.masked_fill(~ordinary, -100),
        "bag_word_weight": weights,
    }
    return stepper(model, lambda: model(**given).loss)


def stepper(model: torch.nn.Module, loss: Callable[[], torch.Tensor]) -> Callable[[], torch.Tensor]:
    def step() -> torch.Tensor:
        model.zero_grad()
        value = loss()
        value.backward()
        return value.detach()

    return step


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=int, default=4)
    parser.add_argument("--length", type=int, default=128)
    parser.add_argument("--layers", type=int, default=12)
    parser.add_argument("--hidden", type=int, default=768)
    parser.add_argument("--decoder-rows", type=float, default=0.25, help="share of tokens that `sampled` rebuilds")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--bf16", action="store_true", help="under autocast")
    parser.add_argument("--keep-freed-memory", action="store_true", help="tell the allocator so, for all sides")
    a = parser.parse_args()
    torch.set_num_threads(a.threads)
    if a.keep_freed_memory:
        keep_freed_memory()
    batch, weights = plain_dupmae.batch(a.texts, a.length, VOCABULARY, a.device)
    plain = PlainDupMAE(plain_dupmae.model(a.layers, a.hidden, VOCABULARY)).to(a.device).train()
    ours = DupMAE(plain_dupmae.model(a.layers, a.hidden, VOCABULARY)).to(a.device).train()
    ours.decoder.load_state_dict(plain.decoder.state_dict())
    some, _ = plain_dupmae.batch(a.texts, a.length, VOCABULARY, a.device, a.decoder_rows)
    sides = {
        "ours": stepper(ours, lambda: ours(batch)["loss"]),
        "sampled": stepper(ours, lambda: ours(some)["loss"]),
        "plain": stepper(plain, lambda: plain(batch, weights)),
    }
    if find_spec("pretense"):
        sides["pretense"] = pretense_step(a.layers, a.hidden, a.texts, a.length, a.device)
    seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in sides}
    with torch.autocast(a.device, torch.bfloat16, enabled=a.bf16):
        losses = {name: step().item() for name, step in sides.items()}
        norms = [sum(p.grad.norm() ** 2 for p in model.parameters()).sqrt().item() for model in (ours, plain)]
        print("losses", {name: round(loss, 5) for name, loss in losses.items()}, "gradient norms", norms)
        for _ in range(a.rounds):
            for name, step in sides.items():
                start, cpu = time.perf_counter(), time.process_time()
                step()
                if a.device == "cuda":
                    torch.cuda.synchronize()
                seconds[name].append((time.perf_counter() - start, time.process_time() - cpu))
    tokens = a.texts * a.length
    middle = {name: [statistics.median(column) for column in zip(*rows, strict=True)] for name, rows in seconds.items()}
    for name, (wall, cpu) in middle.items():
        spread = f"{min(c for _, c in seconds[name]):.2f} to {max(c for _, c in seconds[name]):.2f}"
        print(
            f"{name:9} {tokens / wall:8.1f} tokens/s  {tokens / cpu:8.1f} tokens/CPU-s  CPU-s {cpu:.2f} ({spread})"
            f"   ours is {wall / middle['ours'][0]:.2f}x by the clock, {cpu / middle['ours'][1]:.2f}x by CPU-s,"
            f" sampled {wall / middle['sampled'][0]:.2f}x, {cpu / middle['sampled'][1]:.2f}x"
        )


if __name__ == "__main__":
    main()
