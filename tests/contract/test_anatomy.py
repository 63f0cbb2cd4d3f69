"""Every layer, in a graph and in a subclassed model: traced, addressed, explained, counted, summarised."""

from __future__ import annotations

import jax
import numpy as np
import pytest
from layer_cases import CASES, NAMES

import lamella


def _arguments(name, dtype="float32"):
    shape = CASES[name][1]
    shapes = shape if isinstance(shape, list) else [shape]
    integers = name in ("Embedding", "IntegerLookup", "CategoryEncoding", "ReversibleEmbedding")
    return shapes, "int32" if integers else dtype


def _call(layer, name, tensors):
    if name in ("MultiHeadAttention", "GroupedQueryAttention"):
        return layer(tensors[0], tensors[1])
    return layer(tensors if len(tensors) > 1 else tensors[0])


@pytest.mark.parametrize("name", sorted(CASES))
def test_in_a_graph(name):
    shapes, dtype = _arguments(name)
    inputs = [lamella.Input(shape, dtype=dtype) for shape in shapes]
    layer = CASES[name][0]()
    model = lamella.Model(inputs, _call(layer, name, inputs))
    A = model.anatomy
    for part in A.parts:
        assert part.thing in A[part.place]
    place = A.address(layer)
    told = A.explain(place)
    assert told.facts["parameters"] == sum(int(np.prod(v.shape)) for v in layer.weights)
    assert told.facts["class"] == type(layer).__name__ and max(map(len, str(told).splitlines())) <= 80
    assert "?" not in str(A.explain()) and "0x" not in str(A.explain())
    rows = A.summary(columns=["address", "output", "params", "macs", "memory"]).rows
    assert next(row for row in rows if row.address == place).more[1]
    costs = A.costs()
    assert costs.trainable + costs.frozen == sum(int(np.prod(v.shape)) for v in model.weights)
    site = A[layer].sites[0]
    leaves = jax.tree.leaves(layer.compute_output_spec(*site.args, **site.kwargs))
    assert [leaf.shape for leaf in leaves] == [value.shape for value in site.outputs]


class Around(lamella.Model):
    """Calls a layer among plain code."""

    def __init__(self, layer, name):
        super().__init__()
        self.layer, self.case = layer, name

    def call(self, tensors):
        outputs = _call(self.layer, self.case, tensors)
        return jax.tree.map(lambda leaf: leaf + 1 if leaf.dtype != bool else leaf, outputs)


@pytest.mark.sample(14)
@pytest.mark.parametrize("name", NAMES)
def test_in_a_subclassed_model(name):
    shapes, dtype = _arguments(name)
    layer = CASES[name][0]()
    model = Around(layer, name)
    model([np.ones((2, *shape), dtype) for shape in shapes])
    A = model.anatomy
    site = A["layer"].sites[0]
    assert site.outputs and site.outputs[0].shape == _shape(model, shapes, dtype)
    assert A.explain("layer").facts["calls"] == 1 and not A.notes
    assert all("?" not in row.shape for row in A.summary().rows)


def _shape(model, shapes, dtype):
    """The shape with an open batch, from two batch sizes."""
    results = [
        jax.tree.leaves(model([np.ones((batch, *shape), dtype) for shape in shapes]))[0].shape for batch in (2, 3)
    ]
    return tuple(a if a == b else None for a, b in zip(*results, strict=True))
