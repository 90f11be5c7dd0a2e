"""What the harness measures: time, memory per stage, sizes, percentiles."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from harness.host.costs import folder_bytes, metered, percentiles


def test_wall_time_includes_waiting_and_cpu_time_does_not() -> None:
    with metered() as cost:
        time.sleep(0.2)
    assert cost.wall_s >= 0.2
    assert cost.cpu_s < 0.1


def test_a_failing_block_is_measured_too() -> None:
    with pytest.raises(KeyError), metered() as cost:
        raise KeyError
    assert cost.peak_bytes > 0


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="a peak per stage needs Linux")
def test_the_peak_of_an_earlier_stage_is_forgotten() -> None:
    # In a process of its own: one that keeps freed memory has it resident already.
    code = """
from harness.host.costs import metered
with metered() as large:
    block = bytearray(200_000_000)
    block[::4096] = b"x" * len(block[::4096])
    del block
with metered() as small:
    pass
print(large.peak_bytes - small.peak_bytes)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) > 150_000_000


def test_percentiles_by_nearest_rank() -> None:
    assert percentiles([i / 1000 for i in range(100, 0, -1)]) == {"p50_ms": 50, "p95_ms": 95, "p99_ms": 99}
    assert percentiles([0.002]) == {"p50_ms": 2, "p95_ms": 2, "p99_ms": 2}
    assert percentiles([]) == {}


def test_folder_bytes(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x").write_bytes(b"123")
    (tmp_path / "y").write_bytes(b"45")
    assert folder_bytes(tmp_path) == 5


@pytest.mark.parametrize("first", ["torch", "ranx"])
def test_scoring_leaves_a_model_as_many_threads_as_were_allowed(first: str) -> None:
    """numba starts OpenMP's threads, as many as there are processors; a model would then round in another way."""
    torch, ranx = "import torch", "from harness.host.ranx_door import ranx_metrics\nwith ranx_metrics(): pass"
    code = [torch, ranx] if first == "torch" else [ranx, torch]
    said = "import retrievers.encoders.encoding\nprint(torch.get_num_threads())"
    done = subprocess.run(
        [sys.executable, "-c", "\n".join([*code, said])], capture_output=True, text=True, check=True,
        env={**os.environ, "OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "2"},
    )  # fmt: skip
    assert done.stdout.split()[-1] == "1"
