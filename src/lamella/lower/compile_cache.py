"""JAX's persistent compilation cache, in a folder that only its user can write to: it holds executable code."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import jax

from lamella.config import compile_cache

_MOST_BYTES = 2 << 30
_LIMIT = "jax_persistent_cache_min_compile_time_secs"
_MIN_SECONDS = 0.1  # what compiles faster is not kept


def keep_compiled() -> None:
    """Lets JAX keep what it compiles, unless the user chose a folder, or against it, in JAX's own settings.

    Where the folder cannot be used nothing is kept, and nothing fails.
    """
    chosen, theirs = compile_cache(), jax.config.values["jax_compilation_cache_dir"]
    if chosen is False or theirs or not jax.config.values["jax_enable_compilation_cache"]:
        return
    folder = Path(chosen) if isinstance(chosen, str) else _users_cache() / "lamella" / "compiled"
    if _is_usable(folder):
        _prune(folder)
        jax.config.update("jax_compilation_cache_dir", str(folder))
        if jax.config.values[_LIMIT] == 1.0:  # JAX's default
            jax.config.update(_LIMIT, _MIN_SECONDS)


def _users_cache() -> Path:
    """Where this platform keeps what can be made again."""
    home = Path.home()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
    if sys.platform == "darwin":
        return home / "Library" / "Caches"
    return Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache")


def _is_usable(folder: Path) -> bool:
    """Makes the folder, and says whether it can be written to, by its user alone."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        real = folder.resolve(strict=True)
        return os.access(real, os.W_OK) and (not hasattr(os, "getuid") or _is_private(real))
    except (OSError, RuntimeError):  # a loop of links; no home folder
        return False


def _is_private(folder: Path) -> bool:
    """Whether nobody else can write into a folder, nor put another in its place."""
    own, above = folder.stat(), [parent.stat() for parent in folder.parents]
    return (
        own.st_uid == os.getuid()
        and not own.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
        and all(one.st_uid in (0, os.getuid()) for one in above)
        and not any(one.st_mode & stat.S_IWOTH and not one.st_mode & stat.S_ISVTX for one in above)
    )


def _prune(folder: Path) -> None:
    """Deletes what was used longest ago, beyond a limit."""
    kept = 0
    with os.scandir(folder) as entries:
        found = sorted(((max(e.stat()[7:9]), e.stat().st_size, e.path) for e in entries if e.is_file()), reverse=True)
    for _, size, path in found:
        kept += size
        if kept > _MOST_BYTES:
            Path(path).unlink(missing_ok=True)
