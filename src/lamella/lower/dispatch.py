"""Who runs a program on the CPU: the thread that calls it, at once.

JAX hands every program to a thread of its own and goes on. Waking that thread, and being woken by it, takes some 50 µs,
more than a small program does. Told otherwise, JAX computes where it is called if the program's inputs are there; while
they are still being copied, as large batches are, it goes on as before.
"""

from __future__ import annotations

import functools
import os
from typing import Any

import jax

from lamella.config import is_dispatch_inline
from lamella.lower.allocator import expects_cpu

_FLAG = "jax_cpu_enable_async_dispatch"
_COPIED_AT_ONCE = 64 << 10  # bytes: what is larger, JAX copies while it goes on


def compute_at_once() -> bool:
    """Has programs run in the thread that calls them, where JAX will run on the CPU.

    Effective only before JAX's first computation; programs over several devices stay asynchronous.

    Returns: whether JAX was told; not if `LAMELLA_INLINE_DISPATCH=0`, `config.disable_inline_dispatch()` or
             JAX's own environment variable (`JAX_CPU_ENABLE_ASYNC_DISPATCH`) said so.
    """
    if not is_dispatch_inline() or _FLAG.upper() in os.environ or not expects_cpu():
        return False
    try:
        jax.config.update(_FLAG, False)
    except AttributeError:  # a JAX without this flag
        return False
    return True


def at_hand(data: Any, after: Any = None) -> Any:
    """Data, in the device's memory before they are used: a program that takes them then runs in this thread.

    There its temporaries are kept (`lower/allocator.py`): a thread of JAX's maps more than 64 MB anew for every run.

    Args: after: what else has to be there; where it is not, the program before this one ran in another thread.
    """
    if not any(getattr(leaf, "nbytes", 0) > _COPIED_AT_ONCE for leaf in jax.tree.leaves(data)) or not _runs_here():
        return data
    return jax.block_until_ready((jax.device_put(data), after))[0]


@functools.cache
def _runs_here() -> bool:
    """Whether programs run in the thread that calls them, once their data are there."""
    return jax.config.values.get(_FLAG) is False and jax.default_backend() == "cpu" and jax.local_device_count() == 1
