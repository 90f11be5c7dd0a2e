"""The measures that there are, as rows: how each is printed and spelt elsewhere, and what it takes.

Whatever can be told from the ranks and grades of judged documents and from how many were retrieved. Not here: measures
of diversity, which need judgments by intent, and counts such as NumRet, which are no score between 0 and 1.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Param:
    """One parameter: `read` makes the value of its text or raises ValueError; `default` None is the dataset's own."""

    read: Callable[[str], Any]
    allowed: str
    default: Any = None
    shown: bool = False  # also where it has its default


@dataclass(frozen=True)
class Kind:
    """One measure: its printed name, other spellings (ir_measures', mostly), and whether it takes a cutoff."""

    printed: str
    aliases: tuple[str, ...] = ()
    cutoff: str = "may"  # "may", "must", or "none"; "recall" where what follows the @ is a level of recall
    params: dict[str, Param] = field(default_factory=dict)


def _whole(least: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not text.isdecimal() or not least <= int(text) <= 1000:
            raise ValueError
        return int(text)

    return read


def _between(text: str) -> float:
    if not 0 < (value := float(text)) < 1:
        raise ValueError
    return value


def _share(text: str) -> float:
    if not 0 <= (value := float(text)) <= 1:
        raise ValueError
    return value


def _positive(text: str) -> float:
    if not 0 < (value := float(text)) <= 1000:
        raise ValueError
    return value


def _truth(text: str) -> bool:
    return {"true": True, "false": False, "1": True, "0": False}[text.lower()]


def _one_of(**names: str) -> Callable[[str], str]:
    return lambda text: names[text.strip("'\"").replace("-", "_")]


REL = Param(_whole(1), "a whole number from 1: the grade from which a document is relevant")
JUDGED_ONLY = Param(_truth, "True or False: whether documents without a judgment are passed over", False)
BINARY = {"rel": REL, "judged_only": JUDGED_ONLY}
GAIN = Param(_one_of(log2="log2", exp_log2="exp-log2"), "log2 or exp-log2", "log2")
GAINS = Param(_one_of(linear="log2", exponential="exp-log2"), "linear or exponential", "log2")

KINDS: dict[str, Kind] = {
    "ndcg": Kind("nDCG", params={"dcg": GAIN, "judged_only": JUDGED_ONLY, "gains": GAINS}),
    "mrr": Kind("MRR", ("rr",), params=BINARY),
    "map": Kind("MAP", ("ap",), params=BINARY),
    "recall": Kind("R", ("r",), "must", BINARY),
    "recall_cap": Kind("R_cap", ("r_cap",), "must", BINARY),
    "precision": Kind("P", ("p",), "must", BINARY),
    "judged": Kind("J", ("j",), "must"),
    "success": Kind("Success", (), "must", BINARY),
    "rprec": Kind("Rprec", (), "none", BINARY),
    "rbp": Kind("RBP", params={"p": Param(_between, "a number between 0 and 1: persistence", 0.8, True), "rel": REL}),
    "err": Kind("ERR", params={"max_rel": Param(_whole(1), "the highest grade that there can be", 4)}),
    "bpref": Kind("Bpref", (), "none", {"rel": REL}),
    "infap": Kind("infAP", (), "none", {"rel": REL}),
    "setp": Kind("SetP", (), "none", {**BINARY, "relative": Param(_truth, "True or False", False)}),
    "setr": Kind("SetR", (), "none", {"rel": REL}),
    "setap": Kind("SetAP", (), "none", BINARY),
    "setf": Kind("SetF", (), "none", {**BINARY, "beta": Param(_positive, "a number above 0", 1.0)}),
    "iprec": Kind("IPrec", (), "recall", {"recall": Param(_share, "a level of recall, 0 to 1"), **BINARY}),
    "compat": Kind(
        "Compat", (), "none",
        {"p": Param(_between, "a number between 0 and 1: persistence", 0.95, True),
         "normalize": Param(_truth, "True or False", True)},
    ),
}  # fmt: skip
SAME = {("ndcg", "gains"): "dcg"}  # another name of a parameter
NOT_HERE = {
    **dict.fromkeys(
        ("alpha_dcg", "alpha_ndcg", "err_ia", "nerr_ia", "nrbp", "nnrbp", "ap_ia", "p_ia", "strec"),
        "it needs judgments by intent, and these are by document",
    ),
    **dict.fromkeys(("numret", "numrel", "numq", "numrelret"), "it counts, and is no score between 0 and 1"),
    **dict.fromkeys(
        ("bpm", "sdcg", "insq", "inst", "nerr8", "nerr9", "nerr10", "nerr11"),
        "cwl_eval has it; export the runs (`beir-harness export --format trec`) and compute it there",
    ),
}
