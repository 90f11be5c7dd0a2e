"""The names of the measures, and what each one needs. Imports nothing heavy, so that listing and checking them is free.

A measure is a value, `name(parameters)@cutoff`. Those of every result, and some that are made when asked for:

| name          | printed | value for one query                                                                       |
|---------------|---------|-------------------------------------------------------------------------------------------|
| `ndcg@k`      | nDCG@k  | linear gain (the grade), discount log2(rank + 1), over the ideal order (Järvelin 2002)    |
| `mrr@k`       | MRR@k   | 1 / rank of the first relevant document among the first k, else 0 (MS MARCO's official)   |
| `map`         | MAP     | mean over the relevant documents of the precision at their ranks, 0 where not retrieved   |
| `recall@k`    | R@k     | share of the relevant documents that are among the first k                                |
| `recall_cap@k`| R_cap@k | the same, out of the k that can be found at most: hits / min(k, relevant) (BEIR's paper)  |
| `precision@k` | P@k     | share of k places that hold a relevant document                                           |
| `judged@k`    | J@k     | share of the first k retrieved documents that have a judgment, whatever its grade         |
| `rbp(p=0.8)`  | RBP     | (1 - p) Σ p^(rank - 1) over relevant documents (Moffat, Zobel, TOIS 27, 2008)             |
| `err@k`       | ERR@k   | Σ 1 / rank times the chance that a reader stops there (Chapelle et al., CIKM 2009)         |

"Relevant" is a grade of at least the collection's `relevance_level`, or of `rel`; nDCG and ERR use the grades
themselves, and those below 1 have no gain. A query without results scores 0 in all of them. `kinds` has all names.
"""

import re
from typing import Any, NamedTuple

from harness.errors import HarnessError, unknown
from harness.measures.kinds import KINDS, NOT_HERE, SAME, Kind

LARGEST_GRADE = 1_000  # graded judgments go to 4 or so; trec_eval takes time and memory that grow with the largest

DEFAULT_MEASURES = (
    "ndcg@10",
    "mrr@10",
    "map",
    "recall@100",
    "recall@1000",
    "recall_cap@100",
    "precision@10",
    "judged@10",
)
SPELLING = re.compile(r"(?P<name>[^(@]*)(?:\((?P<params>[^()]*)\))?(?:@(?P<at>.*))?", re.DOTALL)
BY_SPELLING = {other.lower(): name for name, kind in KINDS.items() for other in (name, kind.printed, *kind.aliases)}


class Measure(NamedTuple):
    """One measure; `cutoff` 0 is the whole ranking, `params` are those that are not as they are by default."""

    name: str
    cutoff: int = 0
    params: tuple[tuple[str, Any], ...] = ()

    def __str__(self) -> str:
        return self._spelt(self.name)

    @property
    def display(self) -> str:
        """How it is printed."""
        return self._spelt(KINDS[self.name].printed)

    @property
    def slug(self) -> str:
        """Its name in file names: `rbp(p=0.8)` is rbp_p=0.8."""
        return re.sub(r"[(,]", "_", str(self)).replace(")", "")

    def param(self, name: str) -> Any:
        """The value of a parameter; None where it is the dataset's own."""
        return dict(self.params).get(name, KINDS[self.name].params[name].default)

    def _spelt(self, name: str) -> str:
        kind = KINDS[self.name]
        given = dict(self.params)
        at = given.pop("recall", None) if kind.cutoff == "recall" else self.cutoff or None
        inside = ",".join(f"{key}={value}" for key, value in given.items())
        return name + (f"({inside})" if inside else "") + ("" if at is None else f"@{at}")


def parse(text: str) -> Measure:
    """`ndcg@10`, `nDCG@10`, `RBP(p=.8)`, `AP(rel=2)` -> Measure; ir_measures' spelling is understood too.

    Raises HarnessError that names the nearest measure, or says what is wrong and what is allowed.
    """
    found = SPELLING.fullmatch(text.strip())
    spelt = found["name"].strip() if found else text
    name = BY_SPELLING.get(spelt.lower(), "")
    if not found or name not in KINDS:
        if why := NOT_HERE.get(spelt.lower()):
            raise HarnessError(f"measure {text!r} can't be had: {why}")
        raise unknown("measure", spelt, [*KINDS, *(kind.printed for kind in KINDS.values())])
    kind = KINDS[name]
    given = _params(text, name, found["params"] or "")
    cutoff = 0
    if found["at"] is None:
        if kind.cutoff == "must" or (kind.cutoff == "recall" and "recall" not in given):
            example = "0.1" if kind.cutoff == "recall" else "10"
            raise HarnessError(f"measure {text!r} needs a cutoff, as in '{name}@{example}'")
    elif kind.cutoff == "recall":
        given["recall"] = _value(text, name, "recall", found["at"])
    elif kind.cutoff == "none":
        raise HarnessError(f"measure {text!r}: {kind.printed} takes no cutoff; {_takes(name)}")
    elif not re.fullmatch(r"[1-9][0-9]{0,8}", found["at"]):
        raise HarnessError(f"measure {text!r}: the cutoff after '@' is a whole number from 1")
    else:
        cutoff = int(found["at"])
    ordered = [key for key in kind.params if key in given or kind.params[key].shown]
    values = [(key, given.get(key, kind.params[key].default)) for key in ordered]
    return Measure(
        name, cutoff, tuple((k, v) for k, v in values if kind.params[k].shown or v != kind.params[k].default)
    )


parse_measure = parse  # its name before measures had parameters, which others may still use


def display(text: str) -> str:
    """How a measure is printed: `ndcg@10` -> `nDCG@10`."""
    return parse(text).display


def _params(text: str, name: str, inside: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for part in filter(None, (part.strip() for part in inside.split(","))):
        key, _, value = (word.strip() for word in part.partition("="))
        if key not in KINDS[name].params:
            raise HarnessError(f"measure {text!r}: there is no parameter {key!r}; {_takes(name)}")
        found[SAME.get((name, key), key)] = _value(text, name, key, value)
    return found


def _value(text: str, name: str, key: str, value: str) -> Any:
    param = KINDS[name].params[key]
    try:
        return param.read(value)
    except (ValueError, KeyError):
        raise HarnessError(f"measure {text!r}: {key} is {param.allowed}, not {value!r}") from None


def _takes(name: str) -> str:
    kind: Kind = KINDS[name]
    listed = ", ".join(f"{key} ({param.allowed})" for key, param in kind.params.items())
    return f"{kind.printed} takes {listed}" if listed else f"{kind.printed} takes no parameter"
