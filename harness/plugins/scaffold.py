"""A retriever and its test to start from: two templates with the name filled in."""

import builtins
import importlib.util
import keyword
from pathlib import Path

from harness.errors import HarnessError
from harness.files import write_bytes

TEMPLATES = Path(__file__).parent / "templates"


def write(name: str, folder: Path) -> tuple[Path, Path]:
    """Write `<name>.py` and `test_<name>.py` into `folder`; returns their paths.

    Raises HarnessError for a name that no new module can have, and where one of the files is there already.
    """
    checked(name)
    code, test = folder / f"{name}.py", folder / f"test_{name}.py"
    for path in (code, test):
        if path.exists():
            raise HarnessError(f"{path} is there already; choose another name, or move it away")
    if importlib.util.find_spec(name):
        raise HarnessError(f"there is an installed module {name!r}, which {code} would hide; choose another name")
    for path, template in ((code, "retriever.py.txt"), (test, "test.py.txt")):
        text = (TEMPLATES / template).read_text(encoding="utf-8")
        write_bytes(path, text.replace("$name", name).replace("$Class", class_name(name)).encode())
    return code, test


def checked(name: str) -> str:
    """`name` itself if a module can be called so: lower-case letters, digits and `_`, no word of the language."""
    plain = name.isascii() and name.isidentifier() and name == name.lower() and class_name(name).isidentifier()
    if plain and (keyword.iskeyword(name) or hasattr(builtins, class_name(name))):
        raise HarnessError(f"{name!r} is a word of Python; choose another name, for example my_retriever")
    if not plain:
        raise HarnessError(
            f"{name!r} cannot be the name; use lower-case letters, digits and _, for example my_retriever"
        )
    return name


def class_name(name: str) -> str:
    """`my_retriever` -> `MyRetriever`."""
    return "".join(part.capitalize() for part in name.split("_"))


def spec(code: Path) -> str:
    """What the command line calls the class in the file `code`."""
    path = code if code.is_absolute() else f"./{code}"
    return f"{path}:{class_name(code.stem)}"
