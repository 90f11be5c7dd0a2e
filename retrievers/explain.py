"""The joint score of one query and one document, taken apart: what [CLS] gave, and each piece of the vocabulary.

    python -m retrievers.explain dupmae-mini --query "..." --dataset scifact --doc 4983 [--json] [--plot score.png]

A piece that neither text has is an expansion: the encoder put it there. The parts sum to the score that `dupmae` gives.
"""

import argparse
import json
from pathlib import Path
from typing import Any

from retrievers.dupmae import DupMAE
from retrievers.joint_parts import Parts, parts


def table(found: Parts, most: int) -> str:
    """The parts as lines, the `most` largest terms and the rest in one."""
    lines = [f"{found.score:8.3f}  joint score", f"{found.dense:8.3f}  [CLS]"]
    for term in found.terms[:most]:
        where = {(True, True): "both texts", (True, False): "expansion of the document",
                 (False, True): "expansion of the query", (False, False): "expansion of both"}  # fmt: skip
        lines.append(f"{term.value:8.3f}  {term.piece:<16} {where[term.in_query, term.in_doc]}")
    if rest := found.terms[most:]:
        lines.append(f"{sum(term.value for term in rest):8.3f}  {len(rest)} more")
    return "\n".join(lines)


def plot(found: Parts, path: Path, most: int, title: str) -> None:
    """The same as bars."""
    from matplotlib.figure import Figure

    shown = found.terms[:most]
    names = ["[CLS]", *(term.piece for term in shown)]
    values = [found.dense, *(term.value for term in shown)]
    colours = ["#444444", *("#0072b2" if term.in_query and term.in_doc else "#e69f00" for term in shown)]
    if rest := found.terms[most:]:
        names.append(f"{len(rest)} more")
        values.append(sum(term.value for term in rest))
        colours.append("#999999")
    figure = Figure(figsize=(7, 0.3 * len(names) + 1), layout="constrained")
    axes = figure.subplots()
    axes.barh(range(len(names)), values, color=colours)
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.set_xlabel(f"share of the joint score {found.score:.2f} (blue: piece of both texts, orange: expansion)")
    axes.set_title(title, fontsize=9, loc="left", wrap=True)
    figure.savefig(path, dpi=120)


def main(argv: list[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="retrievers.explain", description="a joint score, part by part")
    parser.add_argument("checkpoint", help="as of the retriever dupmae")
    parser.add_argument("--query", required=True, metavar="TEXT")
    parser.add_argument("--dataset", default="sample", metavar="NAME", help="the document's collection (sample)")
    parser.add_argument("--data-dir", action="append", default=[], type=Path, metavar="FOLDER")
    parser.add_argument("--doc", required=True, metavar="ID")
    parser.add_argument("--most", type=int, default=12, metavar="N", help="terms shown by themselves (12)")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="a picture of the parts")
    a = parser.parse_args(argv)
    from harness.datasets import load

    doc: Any = next((doc for doc in load(a.dataset, a.data_dir).docs() if doc.doc_id == a.doc), None)
    if doc is None:
        parser.error(f"{a.dataset} has no document {a.doc!r}")
    found = parts(DupMAE(a.checkpoint, device="cpu"), a.query, doc)
    if a.plot:
        plot(found, a.plot, a.most, f"{a.query}\n{doc.title or doc.text[:80]}")
    print(json.dumps({**found._asdict(), "terms": [term._asdict() for term in found.terms]}, indent=2)
          if a.json else table(found, a.most))  # fmt: skip
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
