"""Arrays of Keras 1 and 2, as Keras 3 keeps them.

CuDNN       kernels of the gates transposed in another layout, and two biases that are added
Keras 1     an array for each gate; the kernels of convolutions by filters first, of Conv1D with an axis more
Theano      convolutions turn their kernels around
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lamella import activations
from lamella import layers as L
from lamella.models import Functional, Sequential

Arrays = list[np.ndarray]
_CONVOLUTIONS = (L.Conv1D, L.Conv2D, L.Conv3D, L.Conv2DTranspose, L.ConvLSTM2D)
_GATES_OF_KERAS1: dict[type, tuple[int, ...]] = {L.GRU: (0, 1, 2), L.LSTM: (0, 2, 1, 3), L.ConvLSTM2D: (0, 2, 1, 3)}
"""The order of Keras 3's gates among the triples of arrays."""
_FILTERS_LAST: dict[tuple[type, str], tuple[int, ...]] = {
    (L.Conv2D, "channels_first"): (2, 3, 1, 0),
    (L.Conv3D, "channels_first"): (2, 3, 4, 1, 0),
    (L.Conv2DTranspose, "channels_first"): (2, 3, 0, 1),
    (L.Conv2DTranspose, "channels_last"): (0, 1, 3, 2),
    (L.ConvLSTM2D, "channels_first"): (2, 3, 1, 0),
}
"""How Keras 1's kernels are transposed."""


@dataclass(frozen=True)
class Origin:
    """What wrote a file.

    version: of Keras; None in the oldest files.  backend: "tensorflow", "theano" …, or None.
    """

    version: str | None = None
    backend: str | None = None

    @property
    def is_keras1(self) -> bool:
        return self.version is None or self.version.startswith(("0.", "1."))


def modernized_weights(layer: Any, arrays: Arrays, origin: Origin) -> Arrays:
    """The arrays of one layer (or model) in a file, in the order and shapes of today.

    What is not known stays as it is.

    Example: >>> from lamella.saving.keras2 import Origin, modernized_weights
             >>> layer = LSTM(2); layer.build((None, 5, 3))
             >>> old = [np.ones((3, 8)), np.ones((2, 8)), np.ones(16)]
             >>> [array.shape for array in modernized_weights(layer, old, Origin("2.2.4"))]
             [(3, 8), (2, 8), (8,)]
    """
    parts = _parts(layer)
    if parts:
        return _of_parts(layer, parts, arrays, origin)
    for convert in (_joined_gates, _kernels, _from_cudnn):
        arrays = convert(layer, arrays, origin)
    return arrays


def hard_sigmoids(model: Any) -> list[str]:
    """The names of the layers whose activation is Keras 3's hard_sigmoid."""
    found = [
        layer.name
        for layer in model._inner_layers_()
        for kind in ("activation", "recurrent_activation")
        if getattr(layer, kind, None) is activations.hard_sigmoid
    ]
    return list(dict.fromkeys(found))


# Layers made of layers


def _parts(layer: Any) -> Sequence[Any]:
    if isinstance(layer, L.Bidirectional):
        return layer.forward_layer, layer.backward_layer
    if isinstance(layer, L.TimeDistributed):
        return (layer.layer,)
    return layer.layers if isinstance(layer, (Functional, Sequential)) else ()


def _of_parts(layer: Any, parts: Sequence[Any], arrays: Arrays, origin: Origin) -> Arrays:
    """The trainable arrays of all parts stand before the others."""
    parts = [part for part in parts if part.weights]
    trained = [_stored(part, len(part.trainable_weights), arrays, layer, origin) for part in parts]
    kept = [len(part.non_trainable_weights) for part in parts]
    if sum(trained) + sum(kept) != len(arrays):
        return arrays
    first: Arrays = []
    last: Arrays = []
    rest, others = arrays[: sum(trained)], arrays[sum(trained) :]
    for part, count, other in zip(parts, trained, kept, strict=True):
        found = modernized_weights(part, [*rest[:count], *others[:other]], origin)
        first += found[: len(part.trainable_weights)]
        last += found[len(part.trainable_weights) :]
        rest, others = rest[count:], others[other:]
    return [*first, *last]


def _stored(part: Any, count: int, arrays: Arrays, whole: Any, origin: Origin) -> int:
    """How many trainable arrays of a part are in the file: Keras 1 wrote three for each gate."""
    gates = _GATES_OF_KERAS1.get(type(part), ())
    return 3 * len(gates) if origin.is_keras1 and count == 3 and gates and len(arrays) != len(whole.weights) else count


# One layer


def _joined_gates(layer: Any, arrays: Arrays, origin: Origin) -> Arrays:
    gates = _GATES_OF_KERAS1.get(type(layer), ())
    if not origin.is_keras1 or len(arrays) != 3 * len(gates) or not gates:
        return arrays
    return [np.concatenate([arrays[3 * gate + kind] for gate in gates], axis=-1) for kind in range(3)]


def _kernels(layer: Any, arrays: Arrays, origin: Origin) -> Arrays:
    if type(layer) not in _CONVOLUTIONS:
        return arrays
    kernels = 2 if isinstance(layer, L.ConvLSTM2D) else 1
    shapes = [weight.shape for weight in layer.weights[:kernels]]
    turned = [_kernel(layer, kernel, shape, origin) for kernel, shape in zip(arrays[:kernels], shapes, strict=False)]
    return [*turned, *arrays[kernels:]]


def _kernel(layer: Any, kernel: np.ndarray, shape: tuple[int, ...], origin: Origin) -> np.ndarray:
    """A kernel in the first of the layouts that it may have which fits."""
    found = next((one for one in _layouts(layer, kernel, origin) if one.shape == tuple(shape)), kernel)
    spatial = tuple(range(found.ndim - 2))
    return np.flip(found, spatial) if origin.backend == "theano" else found


def _layouts(layer: Any, kernel: np.ndarray, origin: Origin) -> Arrays:
    found: Arrays = []
    if origin.is_keras1 and kernel.ndim == 4 and isinstance(layer, L.Conv1D):
        found += [kernel[:, 0], kernel.transpose(2, 3, 1, 0)[:, 0]]
    axes = _FILTERS_LAST.get((type(layer), layer.data_format))
    if origin.is_keras1 and axes is not None and len(axes) == kernel.ndim:
        found.append(kernel.transpose(axes))
    last = [kernel.transpose(3, 2, 0, 1)] if kernel.ndim == 4 else []
    return [*found, kernel, *last]


def _from_cudnn(layer: Any, arrays: Arrays, origin: Origin) -> Arrays:
    """Told by the bias, which has both parts in one row."""
    gates = {L.LSTM: 4, L.GRU: 3}.get(type(layer), 0)
    if not gates or len(arrays) != 3 or arrays[2].shape != (2 * gates * arrays[1].shape[0],):
        return arrays
    kernel = _each_gate(arrays[0], gates, lambda gate: gate.T.reshape(gate.shape, order="F"))
    recurrent = _each_gate(arrays[1], gates, lambda gate: gate.T)
    both = arrays[2].reshape(2, -1)
    return [kernel, recurrent, both if gates == 3 else both.sum(0)]


def _each_gate(kernel: np.ndarray, gates: int, change: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    if kernel.ndim != 2 or kernel.shape[1] % gates:
        return kernel
    return np.concatenate([change(gate) for gate in np.split(kernel, gates, axis=1)], axis=1)
