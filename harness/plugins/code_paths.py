"""Paths that the text of a file of code names: those that it reads, without those that it writes itself."""

import ast
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache, reduce
from pathlib import Path
from typing import NamedTuple

LONGEST = 200  # bytes of a name
DEEPEST = 4  # variables that are followed behind each other, which also ends `a = a / "b"`
NAME = re.compile(r"(?!\.*$)(?!.*\.\.)[^\s\0][^\n\0]*")
ENDING = re.compile(r"\.\w{1,12}$")
JOINS = {"join", "joinpath", "Path", "PurePath", "str", "fspath", "abspath", "realpath", "absolute", "resolve"}
HERE = {"cwd", "getcwd"}
WRITES = re.compile(
    r"write_\w+|touch|mkdir|makedirs|unlink|rename|replace|save\w*|dump|to_(csv|json|parquet|pickle|feather)|connect"
    r"|basicConfig|\w*FileHandler"
)
WRITING = re.compile(r"[rbt+]*[wax+][rbt+]*")  # modes of `open`
Known = Mapping[str, ast.AST]  # name of a variable, `.name` of self's -> what it was set to


class Paths(NamedTuple):
    """Paths as the code has them: `plain` texts, those `beside` the code (behind a variable), and what is written."""

    plain: set[str]
    beside: set[str]
    written: set[str]


def tree(path: Path) -> ast.AST:
    """The code of a file; empty for what is no Python: it was not run, or has changed since."""
    try:
        return _parsed(path.read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError):
        return ast.Module([], [])


@lru_cache(maxsize=64)
def _parsed(code: bytes) -> ast.AST:
    return ast.parse(code)


@lru_cache(maxsize=64)  # a tree is the same object while its file is
def paths(code: ast.AST) -> Paths:
    """The paths that it names. Docstrings name none, nor does what runs only as a script."""
    found = Paths(set(), set(), set())
    left: list[tuple[ast.AST, Known]] = [(code, {**_of_self(code), **_set(code)})]
    while left:
        node, known = left.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            own = {one.arg for one in ast.walk(node.args) if isinstance(one, ast.arg)}
            known = {name: one for name, one in known.items() if name not in own} | _set(node)
        elif _idle(node):
            continue
        for one in _written(node):
            found.written.add(_joined(_parts(one, known))[0])
        parts: list[str | ast.AST] = [node] if isinstance(node, ast.Name | ast.Attribute) else _parts(node, known)
        if parts == [node]:
            left += ((one, known) for one in ast.iter_child_nodes(node))
            continue
        name, behind = _joined(parts)
        if NAME.fullmatch(name) and len(name.encode("utf-8", "replace")) <= LONGEST:
            if behind:
                found.beside.add(name)
            elif ENDING.search(name) or "/" in name.strip("/"):
                found.plain.add(name)
        left += ((one, known) for one in parts if isinstance(one, ast.AST))
    found.written.discard("")
    return found


def text(node: ast.AST | None) -> str:
    """The text that a node of code is; empty for another."""
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def last(node: ast.AST) -> str:
    """The last name of `a.b.c`."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _idle(node: ast.AST) -> bool:
    """Whether it is a docstring, or `if __name__ == "__main__"`."""
    if isinstance(node, ast.If):
        return isinstance(node.test, ast.Compare) and last(node.test.left) == "__name__"
    return isinstance(node, ast.Expr) and bool(text(node.value))


def _written(node: ast.AST) -> Iterator[ast.AST]:
    """What may be the path in a call that writes: `open(path, "w")`, `path.write_text(…)`, `np.save(path, …)`."""
    if not isinstance(node, ast.Call):
        return
    given = [*node.args, *(word.value for word in node.keywords)]
    opened = last(node.func) == "open" and any(WRITING.fullmatch(text(one)) for one in given)
    if opened or WRITES.fullmatch(last(node.func)):
        yield from ([node.func.value] if isinstance(node.func, ast.Attribute) else [])
        yield from given


def _parts(node: ast.AST, known: Known, deep: int = DEEPEST) -> list[str | ast.AST]:
    """The texts that a path is made of, in their order, and between them the nodes that nobody can tell."""
    if one := text(node):
        return [one]
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
        return _parts(node.left, known, deep) + _parts(node.right, known, deep)
    if isinstance(node, ast.BinOp) and _is_text(node):
        return _glued(_parts(node.left, known, deep), _parts(node.right, known, deep))
    if isinstance(node, ast.JoinedStr):
        return reduce(_glued, (_parts(_shown(one), known, deep) for one in node.values), [])
    if isinstance(node, ast.Call) and last(node.func) in JOINS:
        operands = [*([node.func.value] if isinstance(node.func, ast.Attribute) else []), *node.args]
        return [part for one in operands for part in _parts(one, known, deep)]
    if isinstance(node, ast.Call) and last(node.func) in HERE:
        return []
    if deep and (name := _variable(node)) in known:
        return _parts(known[name], known, deep - 1)
    return [node]


def _glued(left: list[str | ast.AST], right: list[str | ast.AST]) -> list[str | ast.AST]:
    """The parts of two texts in one: of a text that touches what nobody can tell, the whole names."""
    if not left or not right:
        return left + right
    before, after = left[-1], right[0]
    if isinstance(before, str) and isinstance(after, str):
        seam: list[str | ast.AST] = [before + after]
    else:
        seam = [
            before.rpartition("/")[0] if isinstance(before, str) else before,
            after.partition("/")[2] if isinstance(after, str) else after,
        ]
    return [*left[:-1], *(one for one in seam if one), *right[1:]]


def _is_text(node: ast.AST) -> bool:
    """Whether it is a text or puts one together by `+`: numbers are added, too, and to follow them takes long."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _is_text(node.right) or _is_text(node.left)
    return isinstance(node, ast.JoinedStr) or bool(text(node))


def _shown(node: ast.AST) -> ast.AST:
    """What stands in the braces of an f-string, unless it is formatted."""
    return node.value if isinstance(node, ast.FormattedValue) and not node.format_spec else node


def _joined(parts: list[str | ast.AST]) -> tuple[str, bool]:
    """The first texts in a row as one path, and whether they stand behind something else."""
    at = next((at for at, one in enumerate(parts) if isinstance(one, str)), len(parts))
    end = next((end for end in range(at, len(parts)) if not isinstance(parts[end], str)), len(parts))
    return "/".join(one.rstrip("/") or one for one in parts[at:end] if isinstance(one, str)), at > 0


def _variable(node: ast.AST) -> str:
    if isinstance(node, ast.Attribute) and last(node.value) in ("self", "cls"):
        return f".{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def _set(scope: ast.AST) -> dict[str, ast.AST]:
    """Variables of a module or a function -> what they are set to first; those of functions within are their own."""
    found: dict[str, ast.AST] = {}
    left = list(ast.iter_child_nodes(scope))
    while left:
        node = left.pop(0)
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value:
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                found.setdefault(last(target), node.value)
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            left += ast.iter_child_nodes(node)
    return {name: one for name, one in found.items() if name}


def _of_self(code: ast.AST) -> dict[str, ast.AST]:
    """`.name` of `self.name = value` wherever it stands, and of a class's own -> the value."""
    found: dict[str, ast.AST] = {}
    for node in ast.walk(code):
        for one in ast.iter_child_nodes(node) if isinstance(node, ast.ClassDef) else [node]:
            for target in one.targets if isinstance(one, ast.Assign) else []:
                if isinstance(node, ast.ClassDef) or isinstance(target, ast.Attribute):
                    found.setdefault(f".{last(target)}", one.value)  # type: ignore[attr-defined]
    return found
