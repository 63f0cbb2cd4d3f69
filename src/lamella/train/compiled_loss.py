"""What `compile(loss=…)` means for each output of a model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from lamella import losses, metrics
from lamella.errors import ArgumentError, DataError
from lamella.state import Owner
from lamella.train.align import Outputs, is_binary, is_sparse, name_of
from lamella.train.labels import Classes, check_labels, classes_of
from lamella.train.loss_places import Place, is_for_whole, loss_places, name_of_place


class Term(NamedTuple):
    """One loss, of one output or of a structure of outputs.

    output: its number, or numbers in a structure.
    """

    output: Any
    loss: Callable[..., Any]
    weight: float | None
    name: str

    @property
    def first(self) -> int:
        """The number of the first output."""
        return jax.tree.leaves(self.output)[0]

    def of(self, leaves: list[Any]) -> Any:
        """What a list with an entry for each output has for this term."""
        return jax.tree.map(lambda number: leaves[number], self.output)


class CompiledLoss(Owner):
    """The weighted sum of the losses of all outputs, and the mean of each.

    It is built on the first targets and predictions: only their ranks tell which
    crossentropy is meant.
    """

    def __init__(self, loss: Any, loss_weights: Any = None, output_names: list[str] | None = None):
        if loss_weights is not None and not isinstance(loss_weights, (int, float, list, tuple, dict)):
            raise ArgumentError("`loss_weights` is a number, a list or a dict.", received=repr(loss_weights))
        self._user, self._weights, self._names = loss, loss_weights, output_names
        self._terms: list[Term] | None = None
        self.trackers: list[Any] = []
        self._classes: list[Classes] = []

    @property
    def built(self) -> bool:
        return self._terms is not None

    def build(self, y_true: Any, y_pred: Any) -> None:
        """Resolves names into losses, one or more for each output."""
        self._outputs = outputs = Outputs(y_pred, self._names)
        chosen = _places(self._user, self._weights, outputs)
        numbers = {number for place in chosen for number in jax.tree.leaves(place.outputs)}
        self._wanted = [number in numbers for number in range(outputs.count)]
        targets = outputs.flat(y_true, "y", self._wanted)
        predictions = jax.tree.leaves(y_pred)
        terms: list[Term] = []
        for place in chosen:
            term = Term(place.outputs, place.loss, place.weight, "")
            name = name_of_place(place.path, [outputs.names[number] for number in jax.tree.leaves(place.outputs)])
            loss = resolve(place.loss, term.of(targets), term.of(predictions), name)
            terms.append(term._replace(loss=loss, name=name or loss.name))
        if len(terms) > 1:
            self.trackers = [metrics.Mean(name=f"{term.name}_loss") for term in terms]
        single = [term for term in terms if isinstance(term.output, int)]
        found = (classes_of(t.loss, predictions[t.output], t.output, outputs.names[t.output]) for t in single)
        self._classes = [classes for classes in found if classes]
        self._terms = terms

    def check(self, y_true: Any, sample_weight: Any, masked: Callable[[int], bool], where: str) -> None:
        """Looks for what the losses would not notice.

        Args:   masked: whether an output (by its place) may leave out some of its targets.
                where: what errors begin with.
        Raises: DataError: y_true holds numbers of classes that are not there.
        """
        if self._terms is None or not self._classes:
            return
        targets = self._outputs.flat(y_true, "y", self._wanted)
        weights = self._outputs.flat(sample_weight, "sample_weight", self._wanted)
        for classes in self._classes:
            if not masked(classes.output):
                check_labels(classes, targets[classes.output], weights[classes.output], where)

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """The loss to minimise, a scalar; None if no output has a loss."""
        if self._terms is None:
            self.build(y_true, y_pred)
        predictions = jax.tree.leaves(y_pred)
        targets = self._outputs.flat(y_true, "y", self._wanted)
        weights = self._outputs.flat(sample_weight, "sample_weight", self._wanted)
        total = None
        for number, term in enumerate(self._terms or ()):
            _check_target(targets[term.first], self._outputs.names[term.first])
            value = term.loss(term.of(targets), term.of(predictions), weights[term.first])
            value = jnp.asarray(value, "float32")
            if self.trackers:
                self.trackers[number].update_state(value, sample_weight=predictions[term.first].shape[0])
            value = value if term.weight is None else value * term.weight if term.weight else jnp.zeros(())
            total = value if total is None else total + value
        return total


def resolve(identifier: Any, y_true: Any, y_pred: Any, output: str | None) -> Any:
    """A loss from its name, function or object; "crossentropy" by the shapes.

    Raises: DataError: the output has a loss and no targets came for it.
    """
    _check_target(y_true, output)
    if str(identifier).lower() in ("crossentropy", "ce"):
        kind = "sparse_categorical" if is_sparse(y_true, y_pred) else "categorical"
        identifier = f"{'binary' if is_binary(y_pred) else kind}_crossentropy"
    loss = losses.get(identifier)
    if isinstance(loss, losses.Loss):
        return loss
    return losses.LossFunctionWrapper(loss, name=identifier if isinstance(identifier, str) else name_of(loss))


def _check_target(y_true: Any, output: str | None) -> None:
    if y_true is None:
        of = f" for output {output!r}" if output else ""
        raise DataError(f"There is a loss{of}, but no targets `y` to compare with.", fix="pass y, or data of (x, y)")


def _places(loss: Any, weights: Any, outputs: Outputs) -> list[Place]:
    """All losses, with the outputs and the weight of each."""
    structured = isinstance(loss, (list, tuple, dict)) and (outputs.nested or is_for_whole(loss, outputs.numbered))
    if outputs.count > 1 and structured and not outputs.are_named(loss):
        return list(loss_places(loss, _shaped(weights, loss), outputs.numbered))
    chosen = _for_each_output(loss, outputs)
    of_each = zip(outputs.paths, chosen, _weights(weights, outputs, chosen), strict=True)
    return [Place(path, n, one, weight) for n, (path, of_one, weight) in enumerate(of_each) for one in of_one]


def _shaped(weights: Any, loss: Any) -> Any:
    """Weights in the structure of nested losses, where they were given one after the other."""
    leaves, structure = jax.tree.flatten(loss, is_leaf=lambda one: one is None)
    flat = isinstance(weights, (list, tuple)) and not any(isinstance(one, (list, tuple, dict)) for one in weights)
    return jax.tree.unflatten(structure, list(weights)) if flat and len(weights) == len(leaves) else weights


def _for_each_output(loss: Any, outputs: Outputs) -> list[list[Any]]:
    """The losses of each output, as a list for each."""
    if not isinstance(loss, (list, tuple, dict)):
        return [[loss]] * outputs.count
    if outputs.count == 1 and isinstance(loss, (list, tuple)):
        return [[one for one in loss if one is not None]]
    if outputs.count == 1 and isinstance(loss, dict) and len(loss) == 1:
        return [_listed(next(iter(loss.values())))]
    return [_listed(one) for one in outputs.spread(loss, "loss")]


def _listed(value: Any) -> list[Any]:
    if isinstance(value, dict) and "class_name" not in value:
        raise ArgumentError(
            "`loss` has a dict for an output that is none.",
            expected="a loss, or a list of losses",
            received=list(value),
        )
    return [one for one in (value if isinstance(value, (list, tuple)) else [value]) if one is not None]


def _weights(weights: Any, outputs: Outputs, chosen: list[list[Any]]) -> list[float | None]:
    if weights is None:
        return [None] * outputs.count
    if isinstance(weights, (int, float)):
        return [float(weights)] * outputs.count
    if outputs.count == 1 and len(weights) == 1:
        return [float(jax.tree.leaves(weights)[0])]
    wanted = [bool(of_one) for of_one in chosen]
    if isinstance(weights, (list, tuple)) and len(weights) == sum(wanted) < outputs.count:
        given = iter(weights)
        return [next(given) if one else None for one in wanted]
    return outputs.spread(weights, "loss_weights")
