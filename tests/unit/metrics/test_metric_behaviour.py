"""Metrics: variables, addresses, own metrics, arguments that cannot be right."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import lamella as L
from lamella.errors import ArgumentError, ShapeError, StateError, UnknownNameError


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: L.metrics.Precision(thresholds=[0.5, 2.0]), ArgumentError, "[0, 1]"),
        (lambda: L.metrics.PrecisionAtRecall(1.5), ArgumentError, "recall"),
        (lambda: L.metrics.SensitivityAtSpecificity(0.5, num_thresholds=0), ArgumentError, "num_thresholds"),
        (lambda: L.metrics.AUC(num_thresholds=1), ArgumentError, "> 1"),
        (lambda: L.metrics.AUC(curve="RCO"), ArgumentError, "PRGAIN"),
        (lambda: L.metrics.AUC(num_labels=3), ArgumentError, "multi_label"),
        (lambda: L.metrics.AUC(multi_label=True)(np.ones(3), np.ones(3)), ShapeError, "rank 2"),
        (lambda: L.metrics.IoU(2, [2]), ArgumentError, "out of range"),
        (lambda: L.metrics.F1Score(average="mean"), ArgumentError, "macro"),
        (lambda: L.metrics.FBetaScore(beta=1), ArgumentError, "float"),
        (lambda: L.metrics.F1Score()([1, 2], [1, 2]), ShapeError, "F1Score expects 2D"),
        (lambda: L.metrics.R2Score("median"), ArgumentError, "uniform_average"),
        (lambda: L.metrics.R2Score(num_regressors=-1), ArgumentError, "num_regressors"),
        (lambda: L.metrics.Precision(class_id=1)([1, 0], [0.1, 0.9]), ShapeError, "several classes"),
        (lambda: L.metrics.SparseCategoricalAccuracy()(np.eye(3), np.eye(3)), ShapeError, "without 'sparse'"),
        (lambda: L.metrics.SparseCategoricalAccuracy()(np.zeros((2, 1)), np.ones((2, 3, 4))), ShapeError, "(2, 3)"),
        (lambda: L.metrics.SparseTopKCategoricalAccuracy()(np.zeros((3, 2)), np.ones((2, 3, 4))), ShapeError, "(2, 3)"),
        (lambda: L.metrics.Mean().stateless_result([1.0]), ArgumentError, "2 values"),
        (lambda: L.metrics.get("acuracy"), UnknownNameError, "accuracy"),
    ],
)
def test_wrong_arguments(make, error, message):
    with pytest.raises(error) as caught:
        make()
    assert message in str(caught.value)


class Largest(L.metrics.Metric):
    def __init__(self, name="largest", **kwargs):
        super().__init__(name=name, **kwargs)
        self.inner = L.metrics.Mean(name="inner")
        self.add_weight(name="unkept")
        self.largest = self.add_weight(initializer="zeros", name="largest")

    def update_state(self, y_true, y_pred, sample_weight=None):
        self.inner.update_state(y_pred)
        self.largest.assign(jnp.maximum(self.largest, jnp.max(y_pred)))

    def result(self):
        return {"largest": self.largest.value, "mean": self.inner.result()}


def test_own_metric_with_another_inside():
    metric = Largest()
    assert [v.name for v in metric.variables] == ["unkept", "largest", "total", "count"]
    assert set(L.state_of(metric)) == {"inner/total", "inner/count", "largest", "unkept"}
    result = metric(None, jnp.array([1.0, 3.0]))
    assert (float(result["largest"]), float(result["mean"])) == (3.0, 2.0)
    metric.reset_state()
    assert float(metric.result()["largest"]) == 0.0


def test_own_metric_is_pure_in_jit():
    metric = Largest()
    step = jax.jit(lambda state, y: L.pure(metric.update_state, state, None, y)[1])
    state = step(step(L.state_of(metric), jnp.array([1.0])), jnp.array([5.0, 2.0]))
    assert float(state["largest"]) == 5.0
    assert float(metric.result()["largest"]) == 0.0
    L.write_state(metric, state)
    assert float(metric.result()["largest"]) == 5.0


def test_forgotten_super_init_is_told():
    class Forgetful(L.metrics.Metric):
        def __init__(self):
            self.total = self.add_weight()

    with pytest.raises(StateError, match=r"super\(\).__init__\(\)"):
        Forgetful()


def test_mean_is_zero_before_data():
    assert float(L.metrics.Mean().result()) == 0.0
    assert float(L.metrics.AUC().result()) == 0.0


def test_computes_in_its_dtype():
    metric = L.metrics.Mean(dtype="bfloat16")
    assert metric([1.0]).dtype == "bfloat16"
    assert L.metrics.MeanIoU(2).total_cm.dtype == "int32"


def test_even_and_given_thresholds_count_alike():
    y_true, y_pred = np.random.default_rng(0).random((2, 50)).round(2)
    y_true = y_true > 0.5
    even = L.metrics.TruePositives(thresholds=[0.0, 0.25, 0.5, 0.75, 1.0])
    apart = L.metrics.TruePositives(thresholds=[0.0, 0.25, 0.5, 0.75, 1.0, 1.0])  # not even: counted one by one
    np.testing.assert_array_equal(even(y_true, y_pred), apart(y_true, y_pred)[:5])


def test_top_k_of_sorted_ids():
    metric = L.metrics.SparseTopKCategoricalAccuracy(k=2, from_sorted_ids=True)
    assert float(metric([2, 1], [[2, 0, 1], [0, 2, 1]])) == 0.5


def test_adjusted_r2_falls_back_with_few_samples():
    plain, adjusted = L.metrics.R2Score(), L.metrics.R2Score(num_regressors=5)
    data = [[1.0], [4.0], [3.0]], [[2.0], [4.0], [4.0]]
    np.testing.assert_allclose(adjusted(*data), plain(*data))
