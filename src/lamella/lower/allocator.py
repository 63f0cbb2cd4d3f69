"""The C library's allocator, told to keep the memory that XLA takes for every run of a program.

XLA's CPU backend takes one large block for the temporaries of each run and gives it back after. glibc hands such blocks
to the kernel and fetches them anew, zeroed page by page: a third of the time of a training step of MobileNetV2.
"""

from __future__ import annotations

import ctypes
import importlib.util
import os
import sys
import time

import jax

from lamella.config import is_allocator_tuned

_TRIM_THRESHOLD, _MMAP_MAX = -1, -4  # of <malloc.h>
_LOOKS = 0.01  # the part of the time that is spent on looking for idle memory, at most
_COMPILED = "/jax/core/compile/backend_compile_duration"
_MUCH_COMPILING = 0.5  # seconds, in which the compiler takes and frees so much that it is worth handing back


def keep_memory() -> bool:
    """Lets freed memory stay with the process, but for what compilers free: on Linux with glibc, where JAX will
    run on the CPU.

    The main thread's memory stays whole; that of others in blocks of up to 64 MB.

    Returns: whether it was done; not if `LAMELLA_ALLOCATOR=0` or `config.disable_allocator_tuning()` said so.
    """
    if not is_allocator_tuned() or not _is_glibc() or not expects_cpu():
        return False
    mallopt = ctypes.CDLL(None).mallopt
    jax.monitoring.register_event_duration_secs_listener(_after_compiling)
    return all(map(mallopt, (_MMAP_MAX, _TRIM_THRESHOLD), (0, -1)))


def _after_compiling(event: str, duration_secs: float, **_: object) -> None:
    """Hands back what XLA's compiling threads have freed: no step takes memory from theirs."""
    if event == _COMPILED and duration_secs > _MUCH_COMPILING and is_allocator_tuned():
        ctypes.CDLL(None).malloc_trim(0)


class _Info(ctypes.Structure):
    """What `mallinfo2` of <malloc.h> tells."""

    _names = ("arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks", "fordblks", "keepcost")
    _fields_ = [(name, ctypes.c_size_t) for name in _names]


def give_back_memory() -> bool:
    """Hands freed memory to the system where more than an eighth of the machine's lies idle in this process.

    Models that are made and dropped leave it behind; what one model's steps take and free stays.

    Returns: whether any was handed back.
    """
    if not is_allocator_tuned() or not _is_glibc():
        return False
    import resource  # of Unix only

    page = os.sysconf("SC_PAGE_SIZE")
    much = os.sysconf("SC_PHYS_PAGES") * page // 8
    if resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10 <= much:  # the most so far: asked in a microsecond
        return False
    if not expects_cpu():
        return False
    with open("/proc/self/statm") as numbers:
        resident = int(numbers.read().split()[1]) * page
    return resident > much and resident - _in_use() > much and bool(ctypes.CDLL(None).malloc_trim(0))


_known = {"bytes": 0, "until": 0.0}


def _in_use() -> int:
    """Bytes that were allocated and not freed; glibc walks through all free blocks to tell, so not at every call."""
    library, now = ctypes.CDLL(None), time.perf_counter()
    if not hasattr(library, "mallinfo2"):  # glibc before 2.33
        return sys.maxsize
    if now > _known["until"]:
        library.mallinfo2.restype = _Info
        info = library.mallinfo2()
        done = time.perf_counter()
        _known.update(bytes=info.uordblks + info.hblkhd, until=done + (done - now) / _LOOKS)
    return int(_known["bytes"])


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
