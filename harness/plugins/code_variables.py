"""Environment variables that the text of code asks for by name, without those that decide no ranking."""

import ast
import re
from collections.abc import Iterator
from functools import lru_cache

from harness.plugins.code_paths import last, text

SPEED = re.compile("THREAD|WORKER|DEVICE|CACHE|PARALLELISM|OFFLINE|VERBOS|LOG|COLOR")
SECRET = re.compile("KEY|TOKEN|SECRET|PASS|CREDENTIAL|AUTH")
# What a shell, a terminal or a scheduler sets anew each time.
SHELL = re.compile(
    "(HOME|PATH|USER|LOGNAME|TMPDIR|TEMP|TMP|PWD|OLDPWD|SHLVL|SHELL|TERM.*|COLUMNS|LINES|DISPLAY|EDITOR|PAGER|HOSTNAME"
    "|CI|(SSH|XDG|CI|GITHUB|GITLAB|BUILDKITE|CIRCLE|JENKINS|SLURM|PBS|LSB|RAY)_.*|BUILD_(ID|NUMBER)|RUN_(ID|NUMBER)"
    "|JOB_.*|(LOCAL_|NODE_|GROUP_)?RANK|(LOCAL_)?WORLD_SIZE|MASTER_(ADDR|PORT))"
)


@lru_cache(maxsize=64)
def asked(code: ast.AST) -> set[str]:
    """The names that it asks for; without those of speed, places, secrets, shells and schedulers."""
    return {
        name for name in _asked(code)
        if not SPEED.search(name) and not SECRET.search(name) and not SHELL.fullmatch(name)
    }  # fmt: skip


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
        wanted: ast.AST | None = None
        if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load) and last(node.value) == "environ":
            wanted = node.slice
        elif isinstance(node, ast.Call) and node.args and last(node.func) == "getenv":
            wanted = node.args[0]
        elif isinstance(node, ast.Call) and node.args and last(node.func) == "get":
            if isinstance(node.func, ast.Attribute) and last(node.func.value) == "environ":
                wanted = node.args[0]
        elif isinstance(node, ast.Compare) and last(node.comparators[0]) == "environ":
            wanted = node.left
        wanted = constants.get(wanted.id) if isinstance(wanted, ast.Name) else wanted
        if name := text(wanted):
            yield name
