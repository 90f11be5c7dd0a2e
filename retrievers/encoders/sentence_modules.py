"""What a sentence-transformers folder says of itself: its modules, where they lie and whose code they are.

Before version 6 sentence-transformers imports whatever class a local folder names, and a model of the hub is a local
folder once it is here. So what a folder says is looked through before anything is loaded.
"""

from pathlib import Path
from typing import Any

from harness.files import read_json

OURS = "sentence_transformers."
SETTINGS = "config_sentence_transformers.json"
ROUTES = "router_config.json"  # of a module that sends queries and documents through modules of their own
SPARSE = {"SpladePooling", "SparseAutoEncoder", "SparseStaticEmbedding"}
PYLATE = "pylate.models."  # sentence-transformers takes its own classes for these
ARCHITECTURES = {  # of folders without modules that a kind of model is made of whole
    "SparseEncoder": ("ForMaskedLM",),
    "MultiVectorEncoder": ("HF_ColBERT", "ForRetrieval"),
    "CrossEncoder": ("ForSequenceClassification",),
}
RETRIEVERS = {  # kind of model -> what it gives, and who runs it
    "SentenceTransformer": ("gives one dense vector per text", "sentence-transformer"),
    "SparseEncoder": ("gives a weight for each piece of a vocabulary and no single dense vector per text", "sparse"),
    "MultiVectorEncoder": ("gives a vector for each token and no single dense vector per text", "multi-vector"),
    "CrossEncoder": ("scores a query and a document together and gives no vectors", "rerank"),
}
OWN_CODE = ("config.json", "tokenizer_config.json", "processor_config.json", "preprocessor_config.json")


def folders(folder: Path, trust_remote_code: bool, wanted: str = "SentenceTransformer") -> list[Path]:
    """The folders of all modules, those of a router's routes among them; `folder` itself where there is no list.

    Raises ValueError for a list that is none, a module outside `folder`, a model of another kind than `wanted`, and,
    unless `trust_remote_code`, for a class that is not part of sentence-transformers.
    """
    refuse_other_kind(folder, wanted)
    listed = folder / "modules.json"
    if not listed.is_file():
        return [folder]
    modules = _read(listed)
    sound = isinstance(modules, list) and modules and all(isinstance(module, dict) for module in modules)
    if not sound or not all(isinstance(module.get(key), str) for module in modules for key in ("path", "type")):
        raise ValueError(f"{listed} is no list of modules with path and type; fetch the model again")
    found = []
    for module in modules:
        place = _place(folder, module["path"], module["type"], listed, trust_remote_code)
        found.append(place)
        if (routes := place / ROUTES).is_file():
            found += _routes(routes, trust_remote_code)
    return found


def kind_of(folder: Path) -> str | None:
    """What a folder says it is: SentenceTransformer, SparseEncoder, MultiVectorEncoder, CrossEncoder, or None.

    Settings name it since version 5; older folders have the modules of one of them.
    """
    if said := _settings(folder).get("model_type"):
        return "MultiVectorEncoder" if said == "ColBERT" else str(said)  # as PyLate says it
    if not (folder / "modules.json").is_file():
        return None
    modules = _read(folder / "modules.json")
    types = [str(module.get("type")) for module in modules if isinstance(module, dict)]
    if any(kind.startswith(PYLATE) for kind in types):
        return "MultiVectorEncoder"
    return "SparseEncoder" if {kind.rpartition(".")[2] for kind in types} & SPARSE else "SentenceTransformer"


def refuse_other_kind(folder: Path, wanted: str) -> None:
    """Raise ValueError where `folder` holds a model of another kind; the cure is the retriever of that kind."""
    kind = kind_of(folder)
    if kind is None and wanted in ARCHITECTURES:
        body = _read(folder / "config.json") if (folder / "config.json").is_file() else {}
        architectures = (body.get("architectures") if isinstance(body, dict) else None) or [
            "a model of no architecture"
        ]
        if any(each in str(architecture) for architecture in architectures for each in ARCHITECTURES[wanted]):
            return
        found = next((one for one, each in ARCHITECTURES.items() if any(a in str(architectures) for a in each)), None)
        if found is None:
            raise ValueError(
                f"{folder} holds {', '.join(map(str, architectures))}, and {RETRIEVERS[wanted][1]} runs a {wanted} of"
                f" sentence-transformers or {' or '.join(ARCHITECTURES[wanted])}: the rest of it would be random"
            )
        kind = found
    if kind in (None, wanted):
        return
    if kind not in RETRIEVERS:
        raise ValueError(f"{folder} is a {kind}, which no retriever here runs")
    what, retriever = RETRIEVERS[kind]
    raise ValueError(f"{folder} is a {kind}, which {what}: run it as `{retriever}`")


def _routes(listed: Path, trust_remote_code: bool) -> list[Path]:
    body = _read(listed)
    types = body.get("types") if isinstance(body, dict) else None
    if not isinstance(types, dict) or not all(isinstance(kind, str) for kind in types.values()):
        raise ValueError(f"{listed} names no types of modules; fetch the model again")
    return [_place(listed.parent, path, kind, listed, trust_remote_code) for path, kind in types.items()]


def _place(folder: Path, path: str, kind: str, listed: Path, trust_remote_code: bool) -> Path:
    if not (folder / path).resolve().is_relative_to(folder.resolve()):
        raise ValueError(f"{listed} names {path!r}, which leads out of the folder; it is not loaded")
    if not kind.startswith((OURS, PYLATE)) and not trust_remote_code:
        raise ValueError(
            f"{listed} asks to run the class {kind!r}, which is no part of sentence-transformers: look"
            " at its code, then set trust_remote_code=true"
        )
    return folder / path


def refuse_own_code(folder: Path, trust_remote_code: bool) -> None:
    """Raise ValueError where a model's or tokenizer's settings name code that comes with it, unless it may run.

    Without that code another class of the same `model_type` would run, with other numbers and not a word.
    """
    for name in () if trust_remote_code else OWN_CODE:
        if (config := folder / name).is_file() and (own := own_code(config)):
            raise ValueError(
                f"{config} asks to run the class {own!r}, which comes with the model: look at its code, then set"
                " trust_remote_code=true"
            )


def own_code(config: Path) -> Any:
    """The class of the model's own code that a settings file names, None where it names none."""
    body = _read(config)
    own = body.get("auto_map") if isinstance(body, dict) else None
    return own.get("AutoModel", own) if isinstance(own, dict) and own else own or None


def unsaid(folder: Path, similarity: str | None) -> list[str]:
    """A note where a folder says nothing of pooling, or nothing of similarity, which then is not given either."""
    if not (folder / "modules.json").is_file():
        return [
            "the model's folder says nothing of pooling and similarity: the mean over tokens"
            f"{'' if similarity else ' and cosine'} were taken, as sentence-transformers does; a model that was"
            " trained for [CLS] and dot product runs as `retromae`"
        ]
    normalises = any(module["type"].endswith(".Normalize") for module in _read(folder / "modules.json"))
    if similarity or normalises or _settings(folder).get("similarity_fn_name"):
        return []
    return [
        "the model's folder names no similarity: cosine was taken, as sentence-transformers does; a model that was"
        " trained for the dot product needs similarity=dot"
    ]


def _settings(folder: Path) -> dict[str, Any]:
    body = _read(folder / SETTINGS) if (folder / SETTINGS).is_file() else {}
    return body if isinstance(body, dict) else {}


def _read(path: Path) -> Any:
    try:
        return read_json(path)
    except ValueError as error:
        raise ValueError(f"{path} is no JSON: {error}; fetch the model again") from error
