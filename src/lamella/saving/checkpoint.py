"""One Orbax checkpoint, ours or Keras's, as what a model can be given.

Keras passes over arrays that it does not find; here what is missing is an error.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from lamella.errors import FileError
from lamella.saving.by_address import automatic_names, paired, renumbered
from lamella.saving.content import ADDRESSES, ASSETS, CONFIG, OPTIMIZER, PYTREE, WEIGHTS, parts_of
from lamella.saving.gate import MEBI, Entries, existing, guarded, parse_json
from lamella.saving.numbered import Numbered
from lamella.saving.seal import files_in, read_json, unsealed
from lamella.saving.state_tree import KINDS
from lamella.saving.stored import StoredArrays
from lamella.state import Variable

SPARE, MAX_EXPANSION = 64 * MEBI, 8  # bytes of arrays, beyond so many times the size of a checkpoint
_METADATA, _STRINGS = "_METADATA", "_strings.json"


def is_checkpoint(path: Any) -> bool:
    """Whether a path leads to a checkpoint, or to a folder of numbered ones."""
    return os.path.isdir(path) and (os.path.isdir(os.path.join(path, PYTREE)) or bool(Numbered(path).numbers()))


class Checkpoint:
    """A checkpoint, or the last one in a folder of them.

    Raises: FileError: it is not there, damaged, or holds what no checkpoint of a model does.
    """

    def __init__(self, path: Any):
        self.path = existing(os.path.abspath(path))
        self.folder = self.path if (self.path / PYTREE).is_dir() else Numbered(self.path).latest() or self.path
        with guarded(self.path):
            self._files = files_in(self.folder) if self.folder.is_dir() else {}
            self._addresses = unsealed(self._files).get(ADDRESSES)
            self.arrays: Mapping[str, Any] = self._stored(PYTREE)
            if not self._has(PYTREE) or any(key.partition("/")[0] not in KINDS for key in self.arrays):
                raise FileError("this is no checkpoint of a model's state.", fix="give the folder that was saved to")

    def _has(self, part: str) -> bool:
        return f"{part}/{_METADATA}" in self._files

    def _stored(self, part: str) -> Mapping[str, Any]:
        """The arrays of a part, if it is there."""
        return StoredArrays(self.folder / part, self.path) if self._has(part) else {}

    def config(self) -> Any:
        """The config of the model.

        Raises: FileError: there is none, or it is no JSON text.
        """
        with guarded(self.path, CONFIG):
            file = self._files.get(f"{CONFIG}/{_STRINGS}")
            if file is None:
                raise FileError("it is missing: only weights were saved.", fix="build the model, then load_weights")
            return parse_json(str(read_json(file).get("config")))

    def assets(self) -> Assets:
        """The further files of layers."""
        return Assets(self._stored(ASSETS))

    def check_size(self) -> None:
        """Raises: FileError: the arrays take far more memory than the checkpoint accounts for."""
        size = sum(file.stat().st_size for file in self._files.values())
        wanted = sum(getattr(arrays, "nbytes", 0) for arrays in (self.arrays, self._stored(ASSETS)))
        if wanted > SPARE + MAX_EXPANSION * size:
            raise FileError("it claims to hold far more than it does.", received=f"{wanted} bytes in {size}")

    # Its parts by address

    def weights(self, model: Any) -> Part:
        """The arrays for a model's variables."""
        variables = parts_of(model)["model"]
        if self._addresses is not None:
            return self._listed("model", variables)
        return self._by_path(WEIGHTS, variables, self._weight_paths(model))

    def slots(self, model: Any) -> Part:
        """The arrays for the variables of a model's optimizer."""
        slots = parts_of(model)["optimizer"]
        if self._addresses is not None:
            return self._listed("optimizer", slots)
        weights = {ours.replace("/", "_"): path.replace("/", "_") for ours, path in self._weight_paths(model).items()}
        named = {slot.path: _slot_path(slot.path, weights) for slot in slots.values()}
        pairs = paired(named.values(), self._paths([OPTIMIZER]), automatic_names(model.optimizer))
        return self._by_path([OPTIMIZER], slots, {path: pairs.get(name, name) for path, name in named.items()})

    def _weight_paths(self, model: Any) -> dict[str, str]:
        """{path of a variable: its path in the checkpoint}.

        Keras's paths depend on how a model was built: with the model's name or without, or with what is around a
        layer.  And automatic names may be counted in another way.
        """
        variables, kept, automatic = parts_of(model)["model"], self._paths(WEIGHTS), automatic_names(model)
        ways = [[v.path for v in variables.values()], list(variables), [f"{model.name}/{at}" for at in variables]]
        exact = _first_found(ways, {path: path for path in kept})
        anew = dict(zip(renumbered(list(kept), automatic), kept, strict=True))
        found = _first_found([renumbered(way, automatic) for way in ways], anew)
        is_whole = len(exact) < len(variables) == len(found) == len(set(found.values())) == len(kept)
        return {ways[0][place]: path for place, path in (found if is_whole else exact).items()}

    def _paths(self, kinds: Iterable[str]) -> dict[str, str]:
        """{path: key} of the arrays of some kinds."""
        found = [key.partition("/") for key in self.arrays]
        return {path: f"{kind}/{path}" for kind, _, path in found if kind in kinds}

    def _listed(self, part: str, variables: Mapping[str, Variable]) -> Part:
        """The arrays as our own list says."""
        listed = self._addresses.get(part) if isinstance(self._addresses, dict) else None
        if not isinstance(listed, dict) or not all(isinstance(k, str) and k in self.arrays for k in listed.values()):
            raise FileError(f"{self.path.name}: its list of addresses and its arrays do not agree.")
        return Part(self.arrays, listed, variables)

    def _by_path(self, kinds: Iterable[str], variables: Mapping[str, Variable], names: Mapping[str, str]) -> Part:
        """The arrays as Keras finds them; those that belong to no variable stand under their paths."""
        keys = self._paths(kinds)
        paths = {address: names.get(variable.path, variable.path) for address, variable in variables.items()}
        known = {address: keys.pop(path) for address, path in paths.items() if path in keys}
        return Part(self.arrays, keys | known, variables)


def _first_found(ways: list[list[str]], known: Mapping[str, str]) -> dict[int, str]:
    """{place: what is known under the first name that is, of the names at this place}."""
    found = {
        place: [known[name] for name in names if name in known] for place, names in enumerate(zip(*ways, strict=True))
    }
    return {place: paths[0] for place, paths in found.items() if paths}


def _slot_path(path: str, weights: Mapping[str, str]) -> str:
    """`adam/sequential_1_dense_3_bias_momentum` for `adam/sequential_dense_bias_momentum`."""
    owner, _, slot = path.rpartition("/")
    found = max((name for name in weights if slot.startswith(f"{name}_")), key=len, default=None)
    return path if found is None else f"{owner}/{weights[found]}{slot.removeprefix(found)}"


class Part(Mapping[str, Any]):
    """Arrays of a checkpoint by address.

    Args: keys: {address: key of the array}.
          variables: arrays come onto the devices of the variables of these addresses.
    """

    def __init__(self, arrays: Any, keys: Mapping[str, str], variables: Mapping[str, Variable]):
        self._arrays, self._keys, self._variables = arrays, keys, variables
        self.shapes = {address: arrays.shapes[key] for address, key in keys.items()}
        self.dtypes = {address: arrays.dtypes[key] for address, key in keys.items()}

    def __getitem__(self, address: str) -> Any:
        variable = self._variables.get(address)
        if variable is None or not variable.has_value:
            return self._arrays.read(self._keys[address])
        return self._arrays.read(self._keys[address], variable.raw.sharding)

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)


class Assets:
    """The further files of layers, by the names of the entries that a `.keras` file has for them."""

    def __init__(self, arrays: Mapping[str, Any]):
        self._arrays = arrays

    def assets(self, path: str) -> list[str]:
        """The entries of one layer."""
        return [f"{Entries.ASSETS}{name}" for name in self._arrays if name.startswith(f"{path}/" if path else "")]

    def read(self, name: str) -> bytes:
        return np.asarray(self._arrays[name.removeprefix(Entries.ASSETS)], np.uint8).tobytes()
