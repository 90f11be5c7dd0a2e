"""Memory on the host. A model on a CPU frees and asks for the same large blocks thousands of times."""

import ctypes
import sys

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_MMAP_MAX = -1, -3, -4  # <malloc.h>
LARGEST_THRESHOLD = 32 << 20  # bytes, the most that glibc takes


def keep_freed_memory(most: int | None = None) -> bool:
    """Tell glibc to keep freed blocks for the next step, not to give them back; False where there is no glibc.

    Blocks given back must be zeroed page by page by the kernel when they are asked for again: half of the time of a
    small model's training step, nine tenths of the time of drawing masks, a tenth of encoding in bf16. `most` is how
    many bytes are kept; without it all are, so memory stays at its peak until the end.
    """
    if sys.platform != "linux":
        return False
    try:
        mallopt = ctypes.CDLL("libc.so.6").mallopt
    except (OSError, AttributeError):
        return False
    if most is None:
        return bool(mallopt(M_MMAP_MAX, 0)) and bool(mallopt(M_TRIM_THRESHOLD, -1))
    return bool(mallopt(M_MMAP_THRESHOLD, LARGEST_THRESHOLD)) and bool(mallopt(M_TRIM_THRESHOLD, most))
