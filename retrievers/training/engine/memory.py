"""Memory on the host. A training step on a CPU frees and asks for the same large blocks thousands of times."""

import ctypes
import sys

M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4  # <malloc.h>


def keep_freed_memory() -> bool:
    """Tell glibc to keep freed blocks for the next step, not to give them back; False where there is no glibc.

    Blocks given back must be zeroed page by page by the kernel when they are asked for again: half of the time of a
    small model's step, nine tenths of the time of drawing masks. The cost is memory held at its peak until the end.
    """
    if sys.platform != "linux":
        return False
    try:
        mallopt = ctypes.CDLL("libc.so.6").mallopt
    except (OSError, AttributeError):
        return False
    return bool(mallopt(M_MMAP_MAX, 0)) and bool(mallopt(M_TRIM_THRESHOLD, -1))
