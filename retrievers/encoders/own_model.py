"""A sentence-transformers model of whatever kind, run by its own encode in batches of similar length.

Its prompts, lengths and routes are the model's; what it gives is left to who asked for it.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from retrievers.encoders import checkpoint, encoding, sentence_modules
from retrievers.encoders.precision import chosen_here, precision_here

DOC_PROMPTS = ("document", "passage", "corpus")  # the order in which sentence-transformers looks for them
UNLIMITED = 1 << 30  # tokens; tokenizers that know no limit name a number beyond
CHARS_PER_TOKEN = 4  # of English text; only sizes batches where the model tokenises by itself


class OwnModel:
    """The model `name` (a folder or a name on the hub), which must be of the sentence-transformers class `kind`.

    `prompts` are put before queries and documents, None for either takes the model's own. Code that comes with a model
    runs only with `trust_remote_code`.

    Raises FileNotFoundError for a name that is neither, ValueError for a model of another kind, one whose weights are
    not all there, or code of its own.
    """

    def __init__(
        self,
        kind: str,
        name: str,
        *,
        revision: str | None = None,
        precision: str = "fp32",
        prompts: tuple[str | None, str | None] = (None, None),
        trust_remote_code: bool = False,
        device: str = "auto",
        batch_tokens: int = 0,
    ) -> None:
        self.device = encoding.pick_device(device)
        self.precision = precision_here(precision, self.device)
        self.chosen = chosen_here(precision, self.precision)
        dtype = encoding.dtype_of(self.precision)
        self.folder, self.revision = checkpoint.find(name, revision)
        self.rests_on = checkpoint.sources(self.folder, revision)
        self.model = load(kind, self.folder, trust_remote_code)
        self.model.to(self.device, dtype)
        self.prompts = {
            "query": prompt(self.model, prompts[0], None, ("query",) if kind != "CrossEncoder" else ()),  # as predict
            "document": prompt(self.model, prompts[1], None, DOC_PROMPTS),
        }
        self.batches = encoding.Batches(batch_tokens or encoding.default_budget(self.device))
        self.notes: list[str] = []
        longest = self._positions()
        if longest is not None and (self.model.max_seq_length or UNLIMITED) > longest:
            said = (
                f"{self.model.max_seq_length} tokens"
                if (self.model.max_seq_length or UNLIMITED) < UNLIMITED
                else "no length"
            )
            self.notes.append(f"the model says {said} and has positions for {longest}, so texts end there")
            self.limit(longest)

    def limit(self, tokens: int) -> None:
        """Cut texts at so many tokens. Raises ValueError for what the model has no positions for."""
        longest = self._positions()
        if tokens < 3 or (longest is not None and tokens > longest):
            raise ValueError(f"max_length is {tokens}; this model takes 3 to {longest or 'any number of'} tokens")
        self.model.max_seq_length = tokens

    def _positions(self) -> int | None:
        inner = getattr(self.model[0], "auto_model", None)
        return None if inner is None else checkpoint.positions(inner)

    def encode(
        self, texts: Sequence[str], task: str, forward: Callable[[Callable[..., Any], list[str]], Any]
    ) -> list[Any]:
        """`forward(encode, some)` gives one item for each of `some` texts, neighbours in length; all in their order.

        `encode` is the model's own for the task, query or document, without a progress bar.
        """
        own = self.model.encode_query if task == "query" else self.model.encode_document

        def encode(some: list[str], **options: Any) -> Any:
            return own(some, prompt=self.prompts[task], batch_size=len(some), show_progress_bar=False, **options)

        sizes = [len(self.prompts[task]) + len(text) for text in texts]
        return self.in_batches(sizes, lambda batch: forward(encode, [texts[at] for at in batch]))

    def in_batches(self, sizes: Sequence[int], forward: Callable[[np.ndarray], Any]) -> list[Any]:
        """One item for each input, in order: `forward` gets the numbers of some of similar size (characters)."""
        lengths = np.array([2 + size // CHARS_PER_TOKEN for size in sizes], np.int64)
        if (most := self.model.max_seq_length) and most < UNLIMITED:
            lengths = np.minimum(lengths, most)
        found: list[Any] = [None] * len(sizes)
        for batch, items in self.batches.parts(lengths, forward):
            for at, item in zip(batch.tolist(), items, strict=True):
                found[at] = item
        return found

    def fingerprint(self) -> dict[str, Any]:
        """What the model is, and in which precision it works where that was left open."""
        return {"checkpoint_sha256": checkpoint.digest(self.folder), "revision": self.revision, **self.chosen}

    def sources(self) -> list[Path] | None:
        """The files of the model."""
        return self.rests_on

    def facts(self) -> dict[str, Any]:
        """For the manifest."""
        return {
            **self.fingerprint(),
            "max_length": self.model.max_seq_length,
            "query_prompt": self.prompts["query"],
            "doc_prompt": self.prompts["document"],
            "parameters": sum(parameter.numel() for parameter in self.model.parameters()),
            "device": str(self.device),
            "batch_tokens": self.batches.budget,
            "notes": self.notes,
        }


def load(kind: str, folder: Path, trust_remote_code: bool) -> Any:
    """The model in `folder` as sentence-transformers loads it; see `OwnModel` for what is refused."""
    import sentence_transformers

    for place in (places := sentence_modules.folders(folder, trust_remote_code, kind)):
        sentence_modules.refuse_own_code(place, trust_remote_code)
    with checkpoint.quiet():
        made = getattr(sentence_transformers, kind)
        model = made(str(folder), device="cpu", trust_remote_code=trust_remote_code, local_files_only=True).eval()
    for place in places:
        checkpoint.refuse_lost_adapter(place, model)
    for module in model.modules():
        if (inner := getattr(module, "auto_model", None)) is not None:
            _refuse_random(places, inner)
    return model


def _refuse_random(places: list[Path], inner: Any) -> None:
    """Raise ValueError where none of the folders holds every weight of a transformers model, heads included.

    An adapter's base model lies elsewhere; it is left to its loader.
    """
    wanted = [(name, tuple(part.shape)) for name, part in inner.named_parameters() if "pooler" not in name]
    wrong: ValueError | None = None
    for place in places:
        if (place / checkpoint.ADAPTER).is_file():
            return
        if not any(any(place.glob(pattern)) for pattern in checkpoint.WEIGHTS):
            continue
        try:
            return checkpoint.refuse_missing(place, wanted, type(inner).__name__)
        except ValueError as error:
            wrong = wrong or error
    if wrong:
        raise wrong


def prompt(model: Any, given: str | None, name: str | None, usual: Sequence[str]) -> str:
    """The prompt to use: `given`, else the model's named `name`, else the first of its `usual` ones, else its default.

    Raises ValueError where both are given, or for a name that the model has not.
    """
    prompts = model.prompts
    if given is not None and name is not None:
        raise ValueError(f"give a prompt or the name of one, not both ({given!r} and {name!r})")
    if name is not None and name not in prompts:
        raise ValueError(f"the model has no prompt {name!r}; it has {', '.join(sorted(prompts)) or 'none'}")
    if given is None:
        found = [each for each in ((name,) if name else usual) if each in prompts]
        given = prompts.get(found[0] if found else model.default_prompt_name)
    return given or ""
