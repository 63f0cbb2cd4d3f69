"""What `compile(metrics=…, weighted_metrics=…)` means for each output of a model."""

from __future__ import annotations

from typing import Any

import jax

from lamella import metrics
from lamella.errors import ArgumentError
from lamella.train.align import Outputs, is_binary, is_sparse, name_of, unique


class CompiledMetrics(metrics.Metric):
    """The metrics of every output, updated together and named apart.

    Built on the first targets and predictions, whose ranks tell which accuracy is meant.
    """

    def __init__(self, plain: Any, weighted: Any, output_names: list[str] | None = None):
        for what, value in (("metrics", plain), ("weighted_metrics", weighted)):
            if value and not isinstance(value, (list, tuple, dict)):
                raise ArgumentError(f"`{what}` is a list or a dict.", received=repr(value), fix=f"{what}=[{value!r}]")
        super().__init__(name="compile_metrics")
        self._user, self._names_ = (plain, weighted), output_names
        self._plain: list[list[Any]] = []
        self._weighted: list[list[Any]] = []
        self.built = False

    def build(self, y_true: Any, y_pred: Any) -> None:
        """Resolves names into metrics, a list of them for each output."""
        self._outputs = outputs = Outputs(y_pred, self._names_)
        targets, predictions = outputs.flat(y_true, "y"), jax.tree.leaves(y_pred)
        plain, weighted = self._user
        self._plain = _resolved(plain, "metrics", outputs, targets, predictions)
        self._weighted = _resolved(weighted, "weighted_metrics", outputs, targets, predictions)
        self.built = True

    @property
    def metrics(self) -> list[Any]:
        """All metrics, flat."""
        return [metric for of_one in (*self._plain, *self._weighted) for metric in of_one]

    @property
    def variables(self) -> list[Any]:
        return [variable for metric in self.metrics for variable in metric.variables]

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        if not self.built:
            self.build(y_true, y_pred)
        targets, predictions = self._outputs.flat(y_true, "y"), jax.tree.leaves(y_pred)
        weights = self._outputs.flat(sample_weight, "sample_weight")
        for index, (target, prediction) in enumerate(zip(targets, predictions, strict=True)):
            for metric in self._plain[index]:
                metric.update_state(target, prediction)
            for metric in self._weighted[index]:
                metric.update_state(target, prediction, weights[index])

    def reset_state(self) -> None:
        for metric in self.metrics:
            metric.reset_state()

    def result(self) -> dict[str, Any]:
        """{name: value}; several outputs' metrics begin with the output's name."""
        return {name: metric.result() for name, metric in self.named().items()}

    def named(self) -> dict[str, Any]:
        """The metrics by the names they are reported under, in order."""
        results: dict[str, Any] = {}
        for group, prefix in ((self._plain, ""), (self._weighted, "weighted_")):
            for output, of_one in enumerate(group):
                of = self._outputs.names[output] if self._outputs.count > 1 else None
                for metric in of_one:
                    name = f"{of}_{metric.name}" if of else metric.name
                    if name in results and prefix:
                        name = f"{of}_{prefix}{metric.name}" if of else f"{prefix}{metric.name}"
                    results[unique(name, results)] = metric
        return results


def _resolved(user: Any, what: str, outputs: Outputs, targets: list[Any], predictions: list[Any]) -> list[list[Any]]:
    if not user:
        return [[] for _ in range(outputs.count)]
    if outputs.count == 1:
        chosen = [jax.tree.leaves(user)]
    else:
        chosen = [_listed(of_one) for of_one in outputs.spread(user, what)]
    return [
        [resolve(one, target, prediction) for one in of_one]
        for of_one, target, prediction in zip(chosen, targets, predictions, strict=True)
    ]


def _listed(value: Any) -> list[Any]:
    return [] if value is None else list(value) if isinstance(value, (list, tuple)) else [value]


def resolve(identifier: Any, y_true: Any, y_pred: Any) -> Any:
    """A metric from its name, function or object; "accuracy" by the shapes."""
    if isinstance(identifier, str) and identifier.lower() in ("accuracy", "acc"):
        if is_binary(y_pred):
            return metrics.BinaryAccuracy(name=identifier)
        sparse = y_true is not None and is_sparse(y_true, y_pred)
        return (metrics.SparseCategoricalAccuracy if sparse else metrics.CategoricalAccuracy)(name=identifier)
    metric = metrics.get(identifier)
    name = identifier if isinstance(identifier, str) else None
    if not isinstance(metric, metrics.Metric):
        metric = metrics.MeanMetricWrapper(metric, name=name or name_of(metric))
    elif name:
        metric.name = name
    return metric
