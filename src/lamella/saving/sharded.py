"""Weights in shards of a limited size, and an index that says which shard holds what.

    m.weights.json       {"metadata": {"total_size": bytes},
                          "weight_map": {"/layers/dense/vars": "m_00000.weights.h5", or a list of names, …}}
    m_00000.weights.h5   the same groups as in a file that is not sharded

The index is written last.  Shards that replace others take numbers that the index in place does not name, so that
at every moment it names whole shards of one save.
"""

from __future__ import annotations

import itertools
import json
import re
import warnings
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from lamella.errors import ArgumentError, FileError
from lamella.saving.atomic import atomic_write
from lamella.saving.gate import existing, guarded, is_safe_path
from lamella.saving.hdf5 import Reader, Writer
from lamella.saving.seal import read_json
from lamella.saving.state import write_arrays

SHARDED = ".weights.json"
MAX_SHARDS = 512  # all are open at once
_GIBI = 1 << 30
_SHARD = re.compile(r".+_([0-9]{5})\.weights\.h5")


def index_of(path: str) -> str:
    """The name of the index, where the weights were to go into one file."""
    if not path.endswith("weights.h5"):
        return path
    index = path.removesuffix("h5") + "json"
    warnings.warn(f"Sharded weights have an index: {path} becomes {index}.", stacklevel=4)
    return index


def save_sharded(model: Any, path: str, max_shard_size: float, skip: Iterable[Any] = ()) -> None:
    """Writes the state of a model in shards.

    Args:   max_shard_size: in GB, of 2³⁰ bytes.
    Raises: ArgumentError: a size that is not positive, or that an array alone exceeds.
    """
    if not max_shard_size > 0:
        raise ArgumentError("Shards have a positive size, in GB.", received=f"max_shard_size={max_shard_size!r}")
    with ShardedWriter(Path(path), max_shard_size * _GIBI) as writer:
        write_arrays(model, writer, skip)


class ShardedWriter:
    """Writes what a `Writer` would, a shard at a time; the index once the block ends without an error."""

    def __init__(self, path: Path, most: float):
        self._path, self._most = path, most
        self._base = path.stem.replace(".weights", "")
        self._old = _named_by(path)
        self._free = (name for name in map(self._name, itertools.count()) if name not in self._old)
        self._map: dict[str, str | list[str]] = {}
        self._sizes: dict[str, int] = {}
        self._begin()

    def __enter__(self) -> ShardedWriter:
        return self

    def __exit__(self, kind: Any, *_: object) -> None:
        if kind is None:
            self._end()
            self._write_index()
        else:
            self.abandon()

    def abandon(self) -> None:
        """Leaves nothing of what was written."""
        self._remove(self._sizes)

    def _name(self, number: int) -> str:
        return f"{self._base}_{number:05}.weights.h5"

    def _begin(self) -> None:
        self._shard, self._writer = next(self._free), Writer()
        self._sizes[self._shard] = 0

    def _end(self) -> None:
        with atomic_write(self._path.with_name(self._shard)) as file:
            file.write(self._writer.bytes())

    def _write_index(self) -> None:
        index = {"metadata": {"total_size": sum(self._sizes.values())}, "weight_map": self._map}
        with atomic_write(self._path) as file:
            file.write(json.dumps(index, indent=4).encode())
        if self._name(0) not in self._sizes:  # Keras opens it, whatever the index names
            with atomic_write(self._path.with_name(self._name(0))) as file:
                file.write(Writer().bytes())
        self._remove(self._old - {self._name(0)})

    def _remove(self, names: Iterable[str]) -> None:
        for name in names:
            with suppress(OSError):
                self._path.with_name(name).unlink()

    def group(self, path: str) -> Any:
        """The group at a path, in the present shard."""
        return self._writer.group(path)

    def texts(self, group: str, texts: Mapping[str, str]) -> None:
        """Keeps texts as attributes of a group, in the present shard."""
        self._writer.texts(group, texts)

    def put(self, path: str, value: Any) -> None:
        """Stores one array, in a new shard where the present one has no room for it."""
        value = np.asarray(getattr(value, "raw", value))
        if value.nbytes > self._most:
            raise ArgumentError(f"{path} is larger than a shard.", expected=self._most, received=value.nbytes)
        if self._sizes[self._shard] + value.nbytes > self._most:
            self._end()
            self._begin()
        self._writer.put(path, value)
        self._sizes[self._shard] += value.nbytes
        self._note(f"/{path.rpartition('/')[0]}")

    def _note(self, group: str) -> None:
        """Lists the present shard for a group; Keras writes a list where the group has several arrays."""
        known = self._map.get(group)
        shards = [known] if isinstance(known, str) else known or []
        self._map[group] = self._shard if known is None else list(dict.fromkeys([*shards, self._shard]))


def _named_by(path: Path) -> set[str]:
    """The shards that the index in place names; none if there is none that can be read."""
    with suppress(FileError):
        return {name for names in _weight_map(path).values() for name in names if _SHARD.fullmatch(name)}
    return set()


def _weight_map(path: Path) -> dict[str, list[str]]:
    """{group: shards} of an index.

    Raises: FileError: it is not there or no index, or it names files elsewhere, or one twice.
    """
    with guarded(path):
        kept = read_json(existing(path)).get("weight_map")
        if not isinstance(kept, dict) or not kept:
            raise FileError("this is no index of shards.", expected="a weight_map of groups and files")
        return {group.strip("/"): _shards(group, names) for group, names in kept.items()}


def _shards(group: str, names: Any) -> list[str]:
    names = [names] if isinstance(names, str) else names
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        raise FileError(f"{group[:100]!r} is in no shard.", received=repr(names)[:200])
    for name in names:
        if "/" in name or not is_safe_path(name) or not name.endswith(".weights.h5"):
            raise FileError(f"{group[:100]!r} is in {name[:100]!r}, which is no shard beside the index.")
    if len(set(names)) < len(names):
        raise FileError(f"{group[:100]!r} is in one shard twice.", received=names[:12])
    return names


class ShardedReader:
    """Reads arrays out of shards, as a `Reader` does out of one file.

    Raises: FileError: a shard is missing or damaged, or does not hold what the index says; two hold the same array.
    """

    def __init__(self, path: Any):
        self.file = Path(path)
        self.name = self.file.name
        self._shards: dict[str, Reader] = {}
        self._arrays: dict[str, Reader] = {}
        self._groups = _weight_map(self.file)
        try:
            self._open()
        except FileError:
            self.__exit__()
            raise

    def _open(self) -> None:
        names = {name for names in self._groups.values() for name in names}
        if len(names) > MAX_SHARDS:
            raise FileError(f"{self.name}: there are too many shards.", expected=MAX_SHARDS, received=len(names))
        for name in sorted(names):
            self._shards[name] = Reader(existing(self.file.with_name(name)))
        for group, shards in self._groups.items():
            for shard in shards:
                self._add(group, shard)

    def _add(self, group: str, shard: str) -> None:
        found = self._shards[shard].names(group)
        if not found:
            raise FileError(f"{self.name}: {shard} holds nothing of {group[:200]!r}.", fix="take another copy of it")
        for name in found:
            path = f"{group}/{name}"
            if path in self._arrays:
                raise FileError(f"{self.name}: {path!r} is in two shards.", received=shard)
            self._arrays[path] = self._shards[shard]

    def __enter__(self) -> ShardedReader:
        return self

    def __exit__(self, *_: object) -> None:
        for reader in self._shards.values():
            reader.__exit__()

    def has_group(self, path: str) -> bool:
        return any(group == path or group.startswith(f"{path}/") for group in self._groups)

    def arrays(self) -> Mapping[str, Any]:
        """All arrays by their paths."""
        return self._arrays

    def layer_names(self) -> dict[str, str]:
        """The names of layers by the groups that hold their arrays."""
        return {group: name for shard in self._shards.values() for group, name in shard.layer_names().items()}

    def names(self, group: str) -> list[str]:
        """The names of the arrays in a group; none if it is not there."""
        return [name for shard in self._groups.get(group, ()) for name in self._shards[shard].names(group)]

    def shape(self, path: str) -> tuple[int, ...]:
        """The shape of an array, known without reading it."""
        return self._of(path).shape(path)

    def array(self, path: str) -> np.ndarray:
        """The array at a path."""
        return self._of(path).array(path)

    def _of(self, path: str) -> Reader:
        if path not in self._arrays:
            raise FileError(f"{self.name}: {path!r} is in no shard.")
        return self._arrays[path]
