"""The C library's allocator, told to keep the memory that XLA takes for every run of a program.

XLA's CPU backend takes one large block for the temporaries of each run and gives it back after. glibc hands such blocks
to the kernel and fetches them anew, zeroed page by page: a third of the time of a training step of MobileNetV2.
"""

from __future__ import annotations

import ctypes
import importlib.util
import os
import sys

import jax

from lamella.config import is_allocator_tuned

_TRIM_THRESHOLD, _MMAP_MAX, _ARENA_MAX = -1, -4, -8  # of <malloc.h>


def keep_memory() -> bool:
    """Lets freed memory stay with the process, in one arena: on Linux with glibc, where JAX will run on the CPU.

    Effective only before JAX's first computation: threads that exist keep their own arenas.

    Returns: whether it was done; not if `LAMELLA_ALLOCATOR=0` or `config.disable_allocator_tuning()` said so.
    """
    if not is_allocator_tuned() or not _is_glibc() or not expects_cpu():
        return False
    mallopt = ctypes.CDLL(None).mallopt
    return all(map(mallopt, (_ARENA_MAX, _MMAP_MAX, _TRIM_THRESHOLD), (1, 0, -1)))


class _Info(ctypes.Structure):
    """What `mallinfo2` of <malloc.h> tells."""

    _names = ("arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks", "fordblks", "keepcost")
    _fields_ = [(name, ctypes.c_size_t) for name in _names]


def give_back_memory() -> bool:
    """Hands freed memory to the system where more than an eighth of the machine's lies idle in this process.

    Models that are made and dropped leave it behind; what one model's steps take and free stays.

    Returns: whether any was handed back.
    """
    if not is_allocator_tuned() or not _is_glibc() or not expects_cpu():
        return False
    library = ctypes.CDLL(None)
    if not hasattr(library, "mallinfo2"):  # glibc before 2.33
        return False
    library.mallinfo2.restype = _Info
    page = os.sysconf("SC_PAGE_SIZE")
    with open("/proc/self/statm") as numbers:
        resident = int(numbers.read().split()[1]) * page
    idle = resident - library.mallinfo2().uordblks
    if idle <= os.sysconf("SC_PHYS_PAGES") * page // 8:
        return False
    return bool(library.malloc_trim(0))


def expects_cpu() -> bool:
    """Whether JAX will choose the CPU, told without starting it."""
    if platforms := jax.config.values["jax_platforms"]:
        return platforms.split(",")[0] == "cpu"
    return not any(importlib.util.find_spec(accelerator) for accelerator in ("jax_plugins", "libtpu"))


def _is_glibc() -> bool:
    try:
        return sys.platform == "linux" and (os.confstr("CS_GNU_LIBC_VERSION") or "").startswith("glibc")
    except (OSError, ValueError):  # another C library
        return False
