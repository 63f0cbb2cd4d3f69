"""A model's weights by address: what safetensors files and Orbax checkpoints hold.

dense/kernel, dense/bias, blocks[0]/query/kernel
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from lamella.saving.report import NOT_THERE, LoadReport
from lamella.saving.safetensors import Safetensors, write_safetensors
from lamella.state import Owner, Variable, to_snake_case, walk, walk_all

_NUMBERED = re.compile(r"(.*?)(?:_([1-9][0-9]{0,8}))?", re.DOTALL)


def variables_of(model: Any) -> dict[str, Variable]:
    """The variables of a model by address: weights and random seeds, no metrics, no optimizer.

    Example: >>> list(variables_of(Sequential([Input((3,)), Dense(2)])))
             ['dense/kernel', 'dense/bias']
    """
    own = {id(variable) for variable in model.variables}
    return {address: variable for address, variable in walk(model) if id(variable) in own}


def save_safetensors(model: Any, path: str, skip: Iterable[Any] = ()) -> None:
    """Writes the weights of a model into a safetensors file.

    Args: skip: layers that are left out.
    """
    left_out = {id(variable) for part in skip for variable in part.variables}
    kept = {address: variable for address, variable in variables_of(model).items() if id(variable) not in left_out}
    write_safetensors(path, {address: variable.numpy() for address, variable in kept.items()})


def load_safetensors(model: Any, path: str, skip_mismatch: bool) -> LoadReport:
    """Gives a model the weights in a safetensors file."""
    return assign(variables_of(model), Safetensors(path), path, skip_mismatch, automatic_names(model))


def slots_of(model: Any) -> dict[str, Variable]:
    """The variables of a model's optimizer, its slots under the addresses of what they belong to.

    Example: >>> model.compile("sgd"); model.optimizer.build(model.trainable_variables)
             >>> list(slots_of(model))
             ['iteration', 'learning_rate']
    """
    addresses = {id(variable): address for address, variable in variables_of(model).items()}
    known: dict[str, str] = {}
    for above, part in [("", model.optimizer), *walk_all(model.optimizer)]:
        for variable, key in getattr(part, "_keys_", {}).items():
            known[f"{above}/{key}".lstrip("/")] = f"{above}/{addresses.get(id(variable), key)}".lstrip("/")
    found = ((address.rpartition("/"), slot) for address, slot in walk(model.optimizer))
    return {f"{known.get(above, above)}/{name}".lstrip("/"): slot for (above, _, name), slot in found}


def automatic_names(*owners: Owner) -> set[str]:
    """What the automatic names of layers begin with: a file may number them in another way."""
    found = (part for owner in owners for _, part in [("", owner), *walk_all(owner)])
    return {to_snake_case(type(part).__name__) for part in found if not isinstance(part, Variable)}


def assign(
    variables: Mapping[str, Variable], file: Any, name: str, skip_mismatch: bool, automatic: Iterable[str] = ()
) -> LoadReport:
    """Gives variables the arrays saved under their addresses: all, or on an error none.

    Args:    file: arrays by address, with `shapes` and `dtypes` to be had before reading.
             automatic: names whose numbers may differ in the file (`dense_4` for `dense`).
    Raises:  FileError: addresses are missing, or arrays have another shape or kind.
    """
    keys = paired(variables, file, set(automatic))
    reasons = {address: _reason(variable, file, keys.get(address)) for address, variable in variables.items()}
    report = LoadReport(
        loaded=[address for address, reason in reasons.items() if reason is None],
        skipped={address: reason for address, reason in reasons.items() if reason is not None},
        unused=sorted(set(file) - set(keys.values())),
    )
    if report.skipped:
        refusal = report.refusal(name)
        if not skip_mismatch:
            raise refusal
        warnings.warn(str(refusal), stacklevel=5)
    values = {address: file[keys[address]] for address in report.loaded}
    for address, value in values.items():
        variables[address].assign(value)
    return report


def _reason(variable: Variable, file: Any, key: str | None) -> str | None:
    """Why a variable cannot take an array of a file, or None."""
    if key is None:
        return NOT_THERE
    if file.shapes[key] != variable.shape:
        return f"it has shape {file.shapes[key]} in the file, {variable.shape} in the model"
    if _kind(file.dtypes[key]) != _kind(variable.raw.dtype):
        return f"it is {file.dtypes[key]} in the file, {variable.raw.dtype} in the model"
    return None


def _kind(dtype: Any) -> str:
    kind = np.dtype(dtype).kind
    return {"V": "f", "u": "i"}.get(kind, kind)  # bfloat16 and float8 are of kind V


def paired(addresses: Iterable[str], keys: Iterable[str], automatic: set[str]) -> dict[str, str]:
    """{address: key of the file}: the same, or the same once automatic names are counted anew.

    Example: >>> paired(["dense/kernel"], ["dense_4/kernel"], {"dense"})
             {'dense/kernel': 'dense_4/kernel'}
    """
    addresses, keys = list(addresses), list(keys)
    if set(addresses) <= set(keys):
        return {address: address for address in addresses}
    anew = dict(zip(renumbered(keys, automatic), keys, strict=True))
    found = dict(zip(addresses, renumbered(addresses, automatic), strict=True))
    if len(anew) == len(keys) == len(addresses) and set(found.values()) == set(anew):
        return {address: anew[counted] for address, counted in found.items()}
    return {address: address for address in addresses if address in set(keys)}


def renumbered(addresses: list[str], automatic: set[str]) -> list[str]:
    """The addresses with automatic names counted from 0, in the order of their numbers, in each place.

    Example: >>> renumbered(["dense_7/kernel", "dense_4/kernel", "mine_3/kernel"], {"dense"})
             ['dense_1/kernel', 'dense_0/kernel', 'mine_3/kernel']
    """
    inside: dict[tuple[str, str], set[int]] = {}
    for address in addresses:
        for above, stem, number in _segments(address):
            if stem in automatic:
                inside.setdefault((above, stem), set()).add(number)
    ranks = {place: {number: rank for rank, number in enumerate(sorted(used))} for place, used in inside.items()}
    return ["/".join(_counted(segment, ranks) for segment in _segments(address)) for address in addresses]


def _segments(address: str) -> Iterator[tuple[str, str, int]]:
    """Yields (address above, name without its number, number or 0) for each part of an address."""
    parts = address.split("/")
    for index, part in enumerate(parts):
        stem, number = _NUMBERED.fullmatch(part).groups()  # type: ignore[union-attr]
        yield "/".join(parts[:index]), stem, int(number or 0)


def _counted(segment: tuple[str, str, int], ranks: dict[tuple[str, str], dict[int, int]]) -> str:
    above, stem, number = segment
    if (above, stem) in ranks:
        return f"{stem}_{ranks[above, stem][number]}"
    return f"{stem}_{number}" if number else stem
