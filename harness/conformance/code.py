"""Laws of the class itself: its arguments can be recorded, and importing it does nothing."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from unittest import SkipTest

from harness.conformance.collection import DOCS
from harness.conformance.law import Broken, Make, indexed, law, require
from harness.plugins import constructor
from harness.plugins.importing import FILE_MODULE

# Run by a new interpreter: import what argv names, then write to argv[1] what is not as it was.
PROBE = """
import importlib, json, logging, os, pathlib, sys, threading
from harness.plugins.importing import load_file
def state():
    return {
        "environment variables": sorted(map(str, os.environ.items())),
        "the working folder": os.getcwd(),
        "handlers or level of logging": [str(handler) for handler in logging.root.handlers] + [logging.root.level],
        "threads": [thread.name for thread in threading.enumerate()],
        "sys.path": list(sys.path),
    }
report, kind, target = sys.argv[1:]
before = state()
load_file(pathlib.Path(target)) if kind == "file" else importlib.import_module(target)
after = state()
changed = [name for name in before if before[name] != after[name]]
pathlib.Path(report).write_text(json.dumps(changed))
"""


@law("Import and do heavy things inside methods: a module only defines; no print, no files, no threads, no settings")
def import_does_nothing(make: Make, folder: Path) -> None:
    """Importing the module prints nothing, writes nothing and changes no setting of the process."""
    cls: Any = type(make())
    module = sys.modules[vars(cls).get("adapted_from", cls).__module__]
    if module.__name__ == "__main__" or not module.__file__:
        raise SkipTest("the class is not in a module of its own that could be imported")
    kind, target = ("file", module.__file__) if module.__name__.startswith(FILE_MODULE) else ("module", module.__name__)
    home, report = folder / "home", folder / "report.json"
    home.mkdir()
    names = ("HOME", "TMPDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "BEIR_HARNESS_CACHE", "HF_HOME")
    environment = os.environ | dict.fromkeys(names, str(home)) | {"PYTHONDONTWRITEBYTECODE": "1"}
    environment["PYTHONPATH"] = os.pathsep.join(str(Path(entry).resolve()) for entry in sys.path)
    command = [sys.executable, "-c", PROBE, str(report), kind, target]
    ran = subprocess.run(command, cwd=home, env=environment, capture_output=True, text=True, check=False)
    if ran.returncode:
        raise Broken(f"importing {target} in a new interpreter failed: {ran.stderr.strip().splitlines()[-1:]}")
    output = (ran.stdout + ran.stderr).strip()
    require(not output, f"importing {target} printed {output[:200]!r}")
    written = ", ".join(sorted(path.name for path in home.rglob("*")))
    require(not written, f"importing {target} wrote {written}")
    changed = json.loads(report.read_text())
    require(not changed, f"importing {target} changed {' and '.join(changed)}")


@law("Give every argument a default of null, true, a number, a text, or a list or object of these")
def arguments_survive_json(make: Make, folder: Path) -> None:
    """Every argument has a default, and what is recorded of a retriever comes back from JSON as it was."""
    cls = type(make())
    names = constructor.defaults(cls)
    require(not (missing := constructor.required(cls)), f"argument {missing[:1]} has no default")
    for name, value in names.items():
        require(constructor.survives_json(value), f"the default of {name!r} is {value!r}, which JSON cannot carry")
        constructor.checked(cls, {name: value})
    for declared in ("runtime", "search_only"):
        strangers = sorted(set(getattr(cls, declared, ())) - names.keys())
        require(not strangers, f"{declared} names {strangers}, which the constructor does not have")
    retriever = indexed(make, folder / "index", DOCS)
    for method in ("facts", "fingerprint"):
        if hasattr(retriever, method):
            value = getattr(retriever, method)()
            require(constructor.survives_json(value), f"{method}() gives {value!r}, which JSON cannot carry")
