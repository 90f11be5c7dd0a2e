"""What a retriever's code reads beside itself: files and environment variables that it names in its text.

A text of the code names a file where one of that name lies beside the code, in the working folder, or in a folder there
that another text names. It needs an ending or a slash, or to stand behind a `/`, as in `HERE / "vocabulary"`. What is
put together while the code runs (an f-string, say) is not seen: `fingerprint()` is for that.
"""

import ast
import os
import re
from collections.abc import Iterable, Iterator
from hashlib import sha256
from pathlib import Path

from harness.plugins import named_files

LONGEST = 200  # bytes of a name
MOST, FOLDERS = 1000, 20  # names that may be folders, and folders that are looked into
NAME = re.compile(r"(?!\.*$)(?!.*\.\.)[^\s\0][^\n\0]*")
ENDING = re.compile(r"\.\w{1,12}$")
SPEED = re.compile("THREAD|WORKER|DEVICE|CACHE|PARALLELISM|OFFLINE|VERBOS|LOG|^HOME$|^PATH$|^USER$|^TMPDIR$")
SECRET = re.compile("KEY|TOKEN|SECRET|PASS|CREDENTIAL|AUTH")


def tree(path: Path) -> ast.AST:
    """The code of a file; empty for what is no Python: it was not run, or has changed since."""
    try:
        return ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError):
        return ast.Module([], [])


def places(code: Iterable[Path]) -> dict[str, Path]:
    """Name -> file or folder, of all that these files of code name and that is there, but for themselves.

    Folders of too many files to be read are left out.
    """
    code = set(code)
    found: dict[str, Path] = {}
    for path in sorted(code):
        here = {name: one for name, one in _tried(path) if one not in code and one.exists()}
        held = {parent for one in here.values() for parent in one.parents}  # a way to others is no end
        found |= {name: one for name, one in here.items() if one.is_file() or one not in held}
    return {name: one for name, one in found.items() if one.is_file() or named_files.content(one)}


def contents(code: Iterable[Path]) -> dict[str, str]:
    """Name -> hex sha256 of what is read; see `named_files.contents`."""
    return {name: named_files.content(one) for name, one in places(code).items()}


def absent(code: Iterable[Path]) -> set[Path]:
    """Where files would lie that the code names and that are not there."""
    return {one for path in code for _, one in _tried(path) if not one.exists()}


def environment(code: Iterable[Path]) -> dict[str, str | None]:
    """Variable that the code asks for -> hex sha256 of its value, None where it is not set.

    Those that are for speed or places by their name, and secrets, are left out: they decide no ranking.
    """
    asked = {name for path in code for name in _asked(tree(path)) if not SPEED.search(name) and not SECRET.search(name)}
    return variables(sorted(asked))


def variables(names: Iterable[str]) -> dict[str, str | None]:
    """Variable -> hash of its value; the value itself may tell of this machine, and is written nowhere."""
    values = {name: os.environ.get(name) for name in names}
    return {name: None if value is None else sha256(os.fsencode(value)).hexdigest() for name, value in values.items()}


def _tried(path: Path) -> Iterator[tuple[str, Path]]:
    """Names in a file of code and where they may lie: in the working folder, and last, beside the code."""
    texts, behind = _texts(path)
    named = {one for one in texts if ENDING.search(one) or "/" in one.strip("/")}
    folders = [Path.cwd(), path.parent]
    for folder in folders[:2]:
        folders[:0] = [one for text in sorted(texts)[:MOST] if (one := folder / text).is_dir()][:FOLDERS]
    for folder in folders:
        for text in named | behind if folder.is_relative_to(path.parent) else named:
            yield Path(text).name if Path(text).is_absolute() else text, folder / text


def _texts(path: Path) -> tuple[set[str], set[str]]:
    """Texts of a file of code that may be names, and those of them that stand behind a `/`."""
    texts, behind = set[str](), set[str]()
    for node in _nodes(tree(path)):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
            behind.add(_text(node.right))
        text = _text(node)
        if NAME.fullmatch(text) and len(text.encode("utf-8", "replace")) <= LONGEST:
            texts.add(text)
    return texts, behind & texts


def _nodes(code: ast.AST) -> Iterator[ast.AST]:
    """All nodes but those of what is written, `open(name, "w")`, and of what runs only as a script."""
    left = [code]
    while left:
        node = left.pop()
        if isinstance(node, ast.If) and isinstance(node.test, ast.Compare) and _last(node.test.left) == "__name__":
            continue
        if isinstance(node, ast.Call) and _last(node.func) == "open":
            modes = [_text(one) for one in [*node.args, *(word.value for word in node.keywords)]]
            if any(re.fullmatch(r"[rbt+]*[wax][rbt+]*", mode) for mode in modes):
                continue
        yield node
        left += ast.iter_child_nodes(node)


def _text(node: ast.AST | None) -> str:
    """The text that a node of code is; empty for another."""
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _asked(code: ast.AST) -> Iterator[str]:
    """`environ["NAME"]`, `environ.get("NAME")`, `getenv("NAME")`, `"NAME" in environ`; also by a constant's name."""
    nodes = list(ast.walk(code))
    constants = {
        target.id: node.value
        for node in nodes
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in nodes:
        asked: ast.AST | None = None
        if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load) and _last(node.value) == "environ":
            asked = node.slice
        elif isinstance(node, ast.Call) and node.args and _last(node.func) == "getenv":
            asked = node.args[0]
        elif isinstance(node, ast.Call) and node.args and _last(node.func) == "get":
            if isinstance(node.func, ast.Attribute) and _last(node.func.value) == "environ":
                asked = node.args[0]
        elif isinstance(node, ast.Compare) and _last(node.comparators[0]) == "environ":
            asked = node.left
        asked = constants.get(asked.id) if isinstance(asked, ast.Name) else asked
        if name := _text(asked):
            yield name


def _last(node: ast.AST) -> str:
    """The last name of `a.b.c`."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
