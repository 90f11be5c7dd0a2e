"""Which approximation of a search is asked for. Apart, so that arguments are checked without torch."""

from typing import NamedTuple

FORMS = ("fp16", "int8", "binary")
ANN = ("hnsw",)


class Wanted(NamedTuple):
    """What is asked for; None throughout is exact search."""

    dim: int | None = None
    store: str | None = None
    rescore: int | None = None
    ann: str | None = None

    @property
    def exact(self) -> bool:
        """Whether nothing is asked for."""
        return self == Wanted()

    def check(self) -> None:
        """Raises ValueError for what cannot be meant."""
        if self.store is not None and self.store not in FORMS:
            raise ValueError(f"store is {self.store!r}; it can be {', '.join(FORMS)}")
        if self.ann is not None and self.ann not in ANN:
            raise ValueError(f"ann is {self.ann!r}; it can be {', '.join(ANN)}")
        for name, value in (("dim", self.dim), ("rescore", self.rescore)):
            if value is not None and value < 1:
                raise ValueError(f"{name} is {value}; it must be at least 1")
        if self.rescore is not None and self._replace(rescore=None).exact:
            raise ValueError("rescore says how many approximate candidates are scored again; set dim, store or ann too")
