"""Peak memory of one DupMAE step against the plain form that computes all logits.

    python benchmarks/training_memory.py --texts 8 --length 512
    python benchmarks/training_memory.py --texts 32 --length 512 --layers 12    (about 50 GB for the plain form)

Each side takes forward and backward of the same batch in a process of its own; what is shown is the highest resident
memory minus that after the model and its gradients are made (on a GPU: the allocator's peak minus the same). With one
layer it is nearly all the vocabulary's; the logits of 32 x 512 x 30522 alone are 2.0 GB in float32, each time.
"""

import argparse
import json
import resource
import subprocess
import sys

import plain_dupmae
import torch
from plain_dupmae import VOCABULARY, PlainDupMAE

from retrievers.training.models.dupmae import DupMAE

GIB = 1 << 30


def resident() -> int:
    """The highest resident memory so far, bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def measure(side: str, texts: int, length: int, layers: int, hidden: int, device: str) -> dict[str, float]:
    batch, weights = plain_dupmae.batch(texts, length, VOCABULARY, device)
    lm = plain_dupmae.model(layers, hidden, VOCABULARY)
    model = (DupMAE(lm) if side == "ours" else PlainDupMAE(lm)).to(device).train()
    for parameter in model.parameters():
        parameter.grad = torch.zeros_like(parameter)
    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated() if device == "cuda" else resident()
    loss = model(batch)["loss"] if side == "ours" else model(batch, weights)
    loss.backward()
    after = torch.cuda.max_memory_allocated() if device == "cuda" else resident()
    return {"loss": loss.item(), "bytes": after - before}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=int, default=8)
    parser.add_argument("--length", type=int, default=512)
    parser.add_argument("--layers", type=int, default=1)
    parser.add_argument("--hidden", type=int, default=768)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--side", choices=("ours", "plain"), help="measure one side in this process and print JSON")
    a = parser.parse_args()
    torch.set_num_threads(a.threads)
    if a.side:
        print(json.dumps(measure(a.side, a.texts, a.length, a.layers, a.hidden, a.device)))
        return
    found = {}
    for side in ("ours", "plain"):
        command = [sys.executable, *sys.argv, "--side", side]
        found[side] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        print(f"{side:6} {found[side]['bytes'] / GIB:6.2f} GiB   loss {found[side]['loss']:.5f}", flush=True)
    print(f"{a.texts} x {a.length} x {VOCABULARY}: ratio {found['plain']['bytes'] / found['ours']['bytes']:.1f}")


if __name__ == "__main__":
    main()
