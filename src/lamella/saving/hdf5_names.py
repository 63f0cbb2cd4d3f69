"""Paths of groups and arrays in weights files, as every Keras and every system wrote them."""

from __future__ import annotations

import re
from collections.abc import Iterable

from lamella.errors import FileError

_DEPENDENCIES = "_layer_checkpoint_dependencies"  # where TensorFlow 2.12 and 2.13 kept the layers of a graph
_LAYERS = "layers"
_NUMBERED = re.compile(r"(.*?)(?:_([0-9]{1,9}))?", re.DOTALL)


def present_paths(paths: Iterable[str]) -> dict[str, str]:
    """{path in the file: path as Keras writes it now}.

    Windows wrote backslashes between the parts of a path.  The first files of the .keras format name layers
    below `_layer_checkpoint_dependencies`, and leave out numbers.

    Raises:  FileError: two paths become one.
    Example: >>> from lamella.saving.hdf5_names import present_paths
             >>> list(present_paths(["layers\\\\dense/vars", "_layer_checkpoint_dependencies/dense_2"]).values())
             ['layers/dense/vars', 'layers/dense']
    """
    found = {path: path.replace("\\", "/") for path in paths}
    if any(_DEPENDENCIES in path for path in found.values()):
        ranks = _ranks(found.values())
        found = {path: _renamed(plain.split("/"), ranks) for path, plain in found.items()}
    if len({*found.values()}) < len(found):
        raise FileError("Two groups or arrays in the file have the same path.")
    return found


def _ranks(paths: Iterable[str]) -> dict[tuple[str, ...], str]:
    """The names of what is below the old group, counted without gaps: {(place, name): name}."""
    places: dict[tuple[str, ...], set[str]] = {}
    for path in paths:
        parts = tuple(path.split("/"))
        for depth, part in enumerate(parts[1:], 1):
            if parts[depth - 1] == _DEPENDENCIES:
                places.setdefault(parts[:depth], set()).add(part)
    return {(*place, name): new for place, names in places.items() for name, new in _counted(names).items()}


def _counted(names: set[str]) -> dict[str, str]:
    """{dense: dense, dense_2: dense_1, dense_4: dense_2}"""
    stems: dict[str, list[tuple[int, str]]] = {}
    for name in names:
        stem, number = _NUMBERED.fullmatch(name).groups()  # type: ignore[union-attr]
        stems.setdefault(stem, []).append((int(number or 0), name))
    return {
        name: f"{stem}_{rank}" if rank else stem
        for stem, numbered in stems.items()
        for rank, (_, name) in enumerate(sorted(numbered))
    }


def _renamed(parts: list[str], ranks: dict[tuple[str, ...], str]) -> str:
    counted = [ranks.get(tuple(parts[: depth + 1]), part) for depth, part in enumerate(parts)]
    return "/".join(_LAYERS if part == _DEPENDENCIES else part for part in counted)
