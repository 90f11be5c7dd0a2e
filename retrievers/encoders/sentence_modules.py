"""The list of modules of a sentence-transformers folder, `modules.json`: where they lie and whose code they are.

Before version 6 sentence-transformers imports whatever class a local folder names, and a model of the hub is a local
folder once it is here. So the list is looked through before anything is loaded.
"""

from pathlib import Path

from harness.files import read_json

OURS = "sentence_transformers."


def first_folder(folder: Path, trust_remote_code: bool) -> Path:
    """The folder of the first module, `folder` itself where there is no list.

    Raises ValueError for a list that is none, a module outside `folder`, and, unless `trust_remote_code`, for a class
    that is not part of sentence-transformers.
    """
    listed = folder / "modules.json"
    if not listed.is_file():
        return folder
    try:
        modules = read_json(listed)
    except ValueError as error:
        raise ValueError(f"{listed} is no JSON: {error}; fetch the model again") from error
    sound = isinstance(modules, list) and modules and all(isinstance(module, dict) for module in modules)
    if not sound or not all(isinstance(module.get(key), str) for module in modules for key in ("path", "type")):
        raise ValueError(f"{listed} is no list of modules with path and type; fetch the model again")
    for module in modules:
        if not (folder / module["path"]).resolve().is_relative_to(folder.resolve()):
            raise ValueError(f"{listed} names {module['path']!r}, which leads out of the folder; it is not loaded")
        if not module["type"].startswith(OURS) and not trust_remote_code:
            raise ValueError(
                f"{listed} asks to run the class {module['type']!r}, which is no part of sentence-transformers: look"
                " at its code, then set trust_remote_code=true"
            )
    return folder / modules[0]["path"]


def refuse_own_code(folder: Path, trust_remote_code: bool) -> None:
    """Raise ValueError where config.json names code that comes with the model, unless it may run.

    Without that code another class of the same `model_type` would run, with other numbers and not a word.
    """
    config = folder / "config.json"
    if trust_remote_code or not config.is_file():
        return
    body = read_json(config)
    if isinstance(body, dict) and (own := body.get("auto_map")):
        named = own.get("AutoModel", own) if isinstance(own, dict) else own
        raise ValueError(
            f"{config} asks to run the class {named!r}, which comes with the model: look at its code, then set"
            " trust_remote_code=true"
        )
