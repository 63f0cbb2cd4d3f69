"""The arrays in one part of an Orbax checkpoint, read through TensorStore by descriptions made here.

    pytree/_METADATA           {"tree_metadata": {…: {"key_metadata": [{"key": …}, …], "value_metadata": …}}, …}
    pytree/manifest.ocdbt, d/  a store of files: `<keys joined by .>/zarr.json` describes an array, `/c/…` hold it

What lies in the folder says which arrays there are, and never where to look for them.  Each array's description
is read and checked here, before TensorStore is asked to open it.

Source: https://orbax.readthedocs.io, https://zarr-specs.readthedocs.io
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import jax
import numpy as np

from lamella.errors import FileError, MissingExtraError
from lamella.saving.gate import guarded, is_safe_path, parse_json
from lamella.saving.seal import read_json

_CONFIG = {"max_decoded_node_bytes": 100_000_000}  # of the store's index; as Orbax writes it, another one is refused
MAX_RANK = 32
_ADDED = re.compile(r" \[(?:tensorstore_spec|source locations)=.*", re.DOTALL)  # to TensorStore's errors
_ARRAYS = ("jax.Array", "np.ndarray", "scalar")
_CODECS = {"bytes", "zstd", "crc32c", "sharding_indexed"}  # those that Orbax writes
_DESCRIPTIONS = {True: ("zarr3", "zarr.json"), False: ("zarr", ".zarray")}  # {use_zarr3: driver, file}


def tensorstore() -> Any:
    """The package.

    Raises: MissingExtraError: it is not installed.
    """
    try:
        import tensorstore as package
    except ImportError as error:
        raise MissingExtraError("Checkpoints need Orbax.", fix="pip install lamella[orbax]") from error
    return package


class StoredArrays(Mapping[str, np.ndarray]):
    """Arrays by the keys that lead to each, joined by `/`; `shapes` and `dtypes` are known before one is read.

    Args:   file: the path that errors name.
    Raises: FileError: this is no part of a checkpoint, or describes arrays as Orbax never writes them.
    """

    def __init__(self, folder: Path, file: Any = None):
        self._folder, self._file = folder, file or folder
        about = read_json(folder / "_METADATA")
        self._fill = about.get("store_array_data_equal_to_fill_value") is not True
        self._driver, self._description = _DESCRIPTIONS[about.get("use_zarr3") is True]
        self._is_store = about.get("use_ocdbt") is not False
        self._names = _names(about.get("tree_metadata"))
        self.shapes: dict[str, tuple[int, ...]] = {}
        self.dtypes: dict[str, np.dtype] = {}
        asked = {key: self._files.read(f"{name}/{self._description}") for key, name in self._names.items()}
        for key, answer in asked.items():
            with guarded(self._file, f"{folder.name}/{key[:200]}"):
                self.shapes[key], self.dtypes[key] = _described(parse_json(_result(answer).value))

    @property
    def nbytes(self) -> int:
        """How much memory all of them take."""
        return sum(math.prod(self.shapes[key]) * self.dtypes[key].itemsize for key in self)

    @cached_property
    def _context(self) -> Any:
        return tensorstore().Context({"cache_pool": {"total_bytes_limit": 0}})

    @cached_property
    def _files(self) -> Any:
        """The store of files."""
        return _result(tensorstore().KvStore.open(self._place(), context=self._context))

    def _place(self, name: str = "") -> dict[str, Any]:
        """The only description of a place that TensorStore gets: files in this folder."""
        here, inside = f"{self._folder}/", f"{name}/" if name else ""
        if not self._is_store:
            return {"driver": "file", "path": here + inside}
        return {"driver": "ocdbt", "base": {"driver": "file", "path": here}, "path": inside, "config": _CONFIG}

    def read(self, key: str, sharding: Any = None) -> Any:
        """One array; each device that `sharding` spreads it over reads its own part."""
        with guarded(self._file, f"{self._folder.name}/{key}"):
            opened = self._opened(key)
            if sharding is None or len(sharding.device_set) == 1:
                return _result(opened.read())
            return jax.make_array_from_callback(
                self.shapes[key], sharding, lambda part: _result(opened[part].read()), dtype=self.dtypes[key]
            )

    def _opened(self, key: str) -> Any:
        spec = {"driver": self._driver, "kvstore": self._place(self._names[key]), "fill_missing_data_reads": self._fill}
        opened = _result(tensorstore().open(spec, open=True, read=True, context=self._context))
        if opened.shape != self.shapes[key] or opened.dtype.numpy_dtype != self.dtypes[key]:
            raise FileError("it is described in two ways.")
        return opened

    def __getitem__(self, key: str) -> np.ndarray:
        return self.read(key)

    def __contains__(self, key: object) -> bool:
        return key in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def _result(future: Any) -> Any:
    """What TensorStore answers, or its error without the long description that it adds."""
    try:
        return future.result()
    except ValueError as error:
        raise FileError(_ADDED.sub("", str(error))[:500]) from None


def _names(tree: Any) -> dict[str, str]:
    """{keys joined by /: the name in the store} of the arrays."""
    if not isinstance(tree, dict):
        raise FileError("its _METADATA lists no arrays.")
    found: dict[str, str] = {}
    for entry in tree.values():
        keys, kind = _entry(entry)
        key, name = "/".join(keys), ".".join(keys)
        if kind not in _ARRAYS:
            continue
        if key in found or not is_safe_path(name):
            raise FileError(f"its _METADATA lists {key[:200]!r} twice, or by a strange name.")
        found[key] = name
    return found


def _entry(entry: Any) -> tuple[list[str], str]:
    """The keys that lead to a value, and of which kind it is."""
    try:
        keys = [part["key"] for part in entry["key_metadata"]]
        kind = entry["value_metadata"]["value_type"]
    except (KeyError, TypeError):
        raise FileError("its _METADATA lists something without keys or kind.", received=repr(entry)[:200]) from None
    if not keys or not all(isinstance(key, str) for key in keys):
        raise FileError("its _METADATA has keys that are no names.", received=repr(keys)[:200])
    return keys, kind


def _described(about: Any) -> tuple[tuple[int, ...], np.dtype]:
    """The shape and dtype in a description of an array.

    Raises: FileError: no description of Orbax's, or chunks that are larger than the array.
    """
    if not isinstance(about, dict):
        raise FileError("it is not described.")
    shape = _sizes(about.get("shape"))
    if "chunks" in about:
        chunk, codecs, dtype = about["chunks"], [about.get("compressor")], about.get("dtype")
        codecs = [{"name": one.get("id")} if isinstance(one, dict) else {"name": "bytes"} for one in codecs]
    else:
        chunk, codecs, dtype = _of_grid(about), about.get("codecs"), about.get("data_type")
    if about.get("filters") or len(shape) > MAX_RANK or not _fits(chunk, shape) or not _are_known(codecs, shape):
        raise FileError("it is kept in another way than Orbax keeps arrays.", received=repr(about)[:300])
    return shape, _dtype(dtype)


def _of_grid(about: dict[str, Any]) -> Any:
    grid = about.get("chunk_grid")
    return (grid.get("configuration") or {}).get("chunk_shape") if isinstance(grid, dict) else None


def _fits(chunk: Any, shape: tuple[int, ...]) -> bool:
    """Whether a part of an array is not larger than all of it."""
    sizes = _sizes(chunk)
    return len(sizes) == len(shape) and all(1 <= one <= max(size, 1) for one, size in zip(sizes, shape, strict=True))


def _are_known(codecs: Any, shape: tuple[int, ...], depth: int = 0) -> bool:
    return (
        isinstance(codecs, list)
        and depth < 3
        and all(isinstance(codec, dict) and _is_known(codec, shape, depth) for codec in codecs)
    )


def _is_known(codec: dict[str, Any], shape: tuple[int, ...], depth: int) -> bool:
    if codec.get("name") != "sharding_indexed":
        return codec.get("name") in _CODECS
    inner = codec.get("configuration")
    return (
        isinstance(inner, dict)
        and _fits(inner.get("chunk_shape"), shape)
        and _are_known(inner.get("codecs"), shape, depth + 1)
        and _are_known(inner.get("index_codecs"), shape, depth + 1)
    )


def _sizes(value: Any) -> tuple[int, ...]:
    if not isinstance(value, list) or not all(type(size) is int and 0 <= size < 1 << 48 for size in value):
        raise FileError("a shape is a list of sizes.", received=repr(value)[:200])
    return tuple(value)


def _dtype(name: Any) -> np.dtype:
    dtype = jax.numpy.dtype(name) if isinstance(name, str) else np.dtype(object)
    if dtype.kind not in "biufcV" or dtype.itemsize > 16 or dtype.names:
        raise FileError("its dtype is not numeric.", received=repr(name)[:100])
    return dtype
