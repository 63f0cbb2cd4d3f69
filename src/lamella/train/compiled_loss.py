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


class Term(NamedTuple):
    """One loss of one output."""

    output: int
    loss: Callable[..., Any]
    weight: float | None
    name: str


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
        chosen = _for_each_output(self._user, outputs)
        weights = _weights(self._weights, outputs, chosen)
        self._wanted = [bool(of_one) for of_one in chosen]
        targets = outputs.flat(y_true, "y", self._wanted)
        predictions = jax.tree.leaves(y_pred)
        terms: list[Term] = []
        for index, (of_one, weight) in enumerate(zip(chosen, weights, strict=True)):
            for one in of_one:
                loss = resolve(one, targets[index], predictions[index], outputs.names[index])
                terms.append(Term(index, loss, weight, outputs.names[index] or loss.name))
        if len(terms) > 1:
            self.trackers = [metrics.Mean(name=f"{term.name}_loss") for term in terms]
        found = (classes_of(t.loss, predictions[t.output], t.output, outputs.names[t.output]) for t in terms)
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
            _check_target(targets[term.output], self._outputs.names[term.output])
            value = term.loss(targets[term.output], predictions[term.output], weights[term.output])
            value = jnp.asarray(value, "float32")
            if self.trackers:
                self.trackers[number].update_state(value, sample_weight=predictions[term.output].shape[0])
            value = value if term.weight is None else value * term.weight
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
    return [] if value is None else list(value) if isinstance(value, (list, tuple)) else [value]


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
