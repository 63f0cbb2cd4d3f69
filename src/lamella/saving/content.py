"""What a checkpoint of a model holds, laid out as Keras's `OrbaxCheckpoint` does.

    pytree         the state tree: weights, seeds, the optimizer's state, metrics
    model_config   the model's config as JSON text
    assets         further files of layers

Keras finds arrays by the paths of variables, which depend on how a model was built.  The seal of our checkpoints
says beside the address of each.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from lamella.errors import ConfigError
from lamella.registry import ObjectSharingScope, serialize_keras_object
from lamella.saving.by_address import slots_of, variables_of
from lamella.saving.gate import Entries
from lamella.saving.state import assets_of
from lamella.saving.state_tree import KINDS, by_kind, nested, unique_paths
from lamella.state import Variable

PYTREE, CONFIG, ASSETS, ADDRESSES = "pytree", "model_config", "assets", "addresses"
WEIGHTS, OPTIMIZER, METRICS = KINDS[:2], KINDS[2], KINDS[3]


def content_of(model: Any, weights_only: bool = False) -> tuple[dict[str, Any], dict[str, Any]]:
    """What a checkpoint of a model holds, by part, and what its seal says about it.

    Args: weights_only: without the optimizer, metrics, config and assets.
    """
    tree, addresses = tree_of(model, WEIGHTS if weights_only else KINDS)
    return {PYTREE: tree, **({} if weights_only else _architecture(model))}, {ADDRESSES: addresses}


def tree_of(
    model: Any, kinds: Iterable[str] = KINDS, skip: Iterable[Any] = ()
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The state tree of a model, and {part: {address: where in the tree}}.  Orbax keeps no empty arrays.

    Args: skip: layers that are left out.
    """
    left_out = {id(variable) for part in skip for variable in part.variables}
    known = by_kind(model)
    kept = {kind: [v for v in known[kind] if 0 not in v.shape and id(v) not in left_out] for kind in kinds}
    paths = {kind: unique_paths(variables) for kind, variables in kept.items()}
    keys = {variable: f"{kind}/{path}" for kind, named in paths.items() for variable, path in named.items()}
    tree = {kind: nested((path, variable.raw) for variable, path in named.items()) for kind, named in paths.items()}
    return tree, {part: _known(variables, keys) for part, variables in parts_of(model).items()}


def parts_of(model: Any) -> dict[str, dict[str, Variable]]:
    """The variables by address of a model and of its optimizer, but for empty ones."""
    optimizer = getattr(model, "optimizer", None)
    slots = slots_of(model) if optimizer is not None and optimizer.built else {}
    parts = {"model": variables_of(model), "optimizer": slots}
    return {part: {address: v for address, v in held.items() if 0 not in v.shape} for part, held in parts.items()}


def _known(variables: Mapping[str, Variable], keys: Mapping[Variable, str]) -> dict[str, str]:
    return {address: keys[variable] for address, variable in variables.items() if variable in keys}


def _architecture(model: Any) -> dict[str, Any]:
    """The config of a model, where it has one, and its assets."""
    try:
        with ObjectSharingScope():
            config = {CONFIG: {"config": json.dumps(serialize_keras_object(model))}}
    except ConfigError:
        return {}
    files = {name.removeprefix(Entries.ASSETS): data for name, data in assets_of(model).items() if data}
    assets = nested((name, np.frombuffer(data, np.uint8)) for name, data in files.items())
    return config | ({ASSETS: assets} if assets else {})
