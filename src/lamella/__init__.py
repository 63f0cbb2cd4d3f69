"""Lamella: the Keras layer-and-model system, made new on JAX.

    import lamella as keras

serves Keras 3 code.  Nothing is imported before it is used: every name below
is fetched from its room at the first access.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lamella import (
        activations,
        anatomy,
        applications,
        backend,
        callbacks,
        config,
        constraints,
        datasets,
        distillation,
        distribution,
        dtype_policies,
        export,
        initializers,
        layers,
        legacy,
        losses,
        metrics,
        mixed_precision,
        models,
        ops,
        optimizers,
        preprocessing,
        quantizers,
        random,
        regularizers,
        saving,
        tree,
        utils,
        visualization,
        wrappers,
    )
    from lamella.dtype_policies import DTypePolicy, FloatDTypePolicy
    from lamella.graph import Function, KerasTensor, Operation
    from lamella.initializers import Initializer
    from lamella.layers import Input, InputSpec, Layer
    from lamella.losses import Loss
    from lamella.metrics import Metric
    from lamella.models import Functional, Model, Sequential
    from lamella.optimizers import Optimizer
    from lamella.regularizers import Regularizer
    from lamella.state import (
        RematScope,
        StatelessScope,
        SymbolicScope,
        Variable,
        device,
        grad,
        name_scope,
        pure,
        remat,
        state_of,
        value_and_grad,
        walk,
        write_state,
    )

__version__ = "0.1.0"

_ROOM_OF = {
    "DTypePolicy": "dtype_policies",
    "FloatDTypePolicy": "dtype_policies",
    "Function": "graph",
    "Functional": "models",
    "Initializer": "initializers",
    "Input": "layers",
    "InputSpec": "layers",
    "KerasTensor": "graph",
    "Layer": "layers",
    "Loss": "losses",
    "Metric": "metrics",
    "Model": "models",
    "Operation": "graph",
    "Optimizer": "optimizers",
    "Regularizer": "regularizers",
    "RematScope": "state",
    "Sequential": "models",
    "StatelessScope": "state",
    "SymbolicScope": "state",
    "Variable": "state",
    "device": "state",
    "grad": "state",
    "name_scope": "state",
    "pure": "state",
    "remat": "state",
    "state_of": "state",
    "value_and_grad": "state",
    "walk": "state",
    "write_state": "state",
}

__all__ = [
    "DTypePolicy",
    "FloatDTypePolicy",
    "Function",
    "Functional",
    "Initializer",
    "Input",
    "InputSpec",
    "KerasTensor",
    "Layer",
    "Loss",
    "Metric",
    "Model",
    "Operation",
    "Optimizer",
    "Regularizer",
    "RematScope",
    "Sequential",
    "StatelessScope",
    "SymbolicScope",
    "Variable",
    "__version__",
    "activations",
    "anatomy",
    "applications",
    "backend",
    "callbacks",
    "config",
    "constraints",
    "datasets",
    "device",
    "distillation",
    "distribution",
    "dtype_policies",
    "export",
    "grad",
    "initializers",
    "layers",
    "legacy",
    "losses",
    "metrics",
    "mixed_precision",
    "models",
    "name_scope",
    "ops",
    "optimizers",
    "preprocessing",
    "pure",
    "quantizers",
    "random",
    "regularizers",
    "remat",
    "saving",
    "state_of",
    "tree",
    "utils",
    "value_and_grad",
    "version",
    "visualization",
    "walk",
    "wrappers",
    "write_state",
]


def version() -> str:
    """Lamella's version."""
    return __version__


def _room(name: str) -> Any:
    from lamella.uncollected import uncollected

    with uncollected():
        return importlib.import_module(f"lamella.{name}")


def __getattr__(name: str) -> Any:
    if name in _ROOM_OF:
        value = getattr(_room(_ROOM_OF[name]), name)
        globals()[name] = value
        return value
    if name in __all__:
        return _room(name)
    from lamella.missing_names import missing_name

    raise missing_name(__name__, name)


def __dir__() -> list[str]:
    return sorted(__all__)
