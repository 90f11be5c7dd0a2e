"""Scores need ranx's measures alone, and whoever else imports ranx has the whole of it."""

import subprocess
import sys

import pytest

SCORED = """
import sys
import numpy as np
from harness.host.ranx_door import ranx_metrics
one = np.ones((1, 1, 2), np.int32)
with ranx_metrics() as metrics: assert metrics.ndcg(one, one, 10, 1).tolist() == [1.0]
"""
USED = """
import ranx
assert ranx.evaluate and ranx.fusion and ranx.Run and not hasattr(ranx, "nothing")
with ranx_metrics() as metrics: assert metrics is ranx.metrics
"""
IMPORTS = [
    "import ranx",
    "from ranx import *",
    "import ranx.fusion",
    "hasattr(sys.modules['ranx'], '__warningregistry__')",
]


@pytest.mark.parametrize("first", IMPORTS)
def test_ranx_is_whole_for_others(first: str) -> None:
    done = subprocess.run([sys.executable, "-c", SCORED + first + USED], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_what_was_imported_before_is_used() -> None:
    code = "import ranx" + SCORED + USED
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_score_imports_nothing_that_draws_or_tests() -> None:
    code = SCORED + "print({'matplotlib', 'pandas', 'scipy.stats', 'ir_datasets'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout == "set()\n", done.stderr
