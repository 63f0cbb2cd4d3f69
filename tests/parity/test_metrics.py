"""Metrics against Keras's: results over several batches, in and out of jit, configs."""

import inspect
import warnings

import jax
import jax.numpy as jnp
import keras
import numpy as np
import pytest

import lamella as L

RNG = np.random.default_rng(1)


def batches(kind: str):
    """Three batches (y_true, y_pred, sample_weight), the last one without weights."""
    for index in range(3):
        weights = RNG.random(6).astype("float32") if index < 2 else None
        scores = RNG.random((6, 4)).astype("float32")
        shares = scores / scores.sum(-1, keepdims=True)
        labels = RNG.integers(0, 4, 6)
        bits = RNG.integers(0, 2, 6).astype("float32")
        yield {
            "binary": (bits, np.round(scores[:, 0], 1), weights),
            "column": (bits[:, None], scores[:, :1], weights),
            "labels": (labels, np.argmax(RNG.random((6, 4)), -1), weights),
            "one_hot": (np.eye(4, dtype="float32")[labels], shares, weights),
            "sparse": (labels[:, None], shares, weights),
            "bits": ((RNG.random((6, 4)) > 0.5).astype("float32"), scores, weights),
            "numbers": (RNG.normal(size=(6, 4)).astype("float32"), RNG.normal(size=(6, 4)).astype("float32"), weights),
            "counts": (labels, np.argmax(scores, -1), None if weights is None else np.arange(6)),
        }[kind]


CASES = [
    ("Accuracy", {}, "labels"),
    ("BinaryAccuracy", {"threshold": 0.3}, "binary"),
    ("BinaryAccuracy", {}, "column"),
    ("CategoricalAccuracy", {}, "one_hot"),
    ("SparseCategoricalAccuracy", {}, "sparse"),
    ("TopKCategoricalAccuracy", {"k": 2}, "one_hot"),
    ("SparseTopKCategoricalAccuracy", {"k": 2}, "sparse"),
    *[
        (name, {}, "numbers")
        for name in [
            "MeanSquaredError",
            "MeanAbsoluteError",
            "MeanAbsolutePercentageError",
            "MeanSquaredLogarithmicError",
            "RootMeanSquaredError",
            "LogCoshError",
            "CosineSimilarity",
            "PearsonCorrelation",
            "ConcordanceCorrelation",
            "R2Score",
        ]
    ],
    ("R2Score", {"class_aggregation": "variance_weighted_average"}, "numbers"),
    ("R2Score", {"class_aggregation": None, "num_regressors": 2}, "numbers"),
    ("CosineSimilarity", {"axis": 1}, "numbers"),
    ("Hinge", {}, "bits"),
    ("SquaredHinge", {}, "bits"),
    ("CategoricalHinge", {}, "one_hot"),
    ("KLDivergence", {}, "one_hot"),
    ("Poisson", {}, "bits"),
    ("BinaryCrossentropy", {"label_smoothing": 0.1}, "bits"),
    ("CategoricalCrossentropy", {"from_logits": True}, "one_hot"),
    ("SparseCategoricalCrossentropy", {"ignore_class": 1}, "sparse"),
    *[(name, {}, "binary") for name in ("TruePositives", "FalsePositives", "TrueNegatives", "FalseNegatives")],
    ("TruePositives", {"thresholds": [0.2, 0.7]}, "binary"),
    ("FalseNegatives", {"thresholds": [0.0, 0.5, 1.0]}, "bits"),
    ("Precision", {}, "column"),
    ("Precision", {"top_k": 2}, "bits"),
    ("Precision", {"class_id": 1, "thresholds": 0.4}, "bits"),
    ("Recall", {"thresholds": [0.25, 0.5]}, "bits"),
    ("SensitivityAtSpecificity", {"specificity": 0.5}, "binary"),
    ("SpecificityAtSensitivity", {"sensitivity": 0.5, "num_thresholds": 1}, "binary"),
    ("PrecisionAtRecall", {"recall": 0.6, "num_thresholds": 20}, "binary"),
    ("RecallAtPrecision", {"precision": 0.4, "class_id": 2}, "bits"),
    ("AUC", {}, "binary"),
    ("AUC", {"curve": "PR"}, "binary"),
    ("AUC", {"curve": "PRGAIN", "summation_method": "majoring"}, "binary"),
    ("AUC", {"summation_method": "minoring", "num_thresholds": 7}, "bits"),
    ("AUC", {"thresholds": [0.1, 0.35, 0.8]}, "binary"),
    ("AUC", {"from_logits": True}, "binary"),
    ("AUC", {"multi_label": True, "num_labels": 4}, "bits"),
    ("AUC", {"multi_label": True, "num_labels": 4, "thresholds": [0.2, 0.9], "curve": "PR"}, "bits"),
    ("AUC", {"multi_label": True, "label_weights": [0.1, 0.5, 0.2, 0.2]}, "bits"),
    ("AUC", {"label_weights": [0.1, 0.5, 0.2, 0.2]}, "bits"),
    ("F1Score", {}, "one_hot"),
    ("F1Score", {"average": "weighted", "threshold": 0.5}, "bits"),
    ("FBetaScore", {"beta": 2.0, "average": "micro", "threshold": 0.3}, "bits"),
    ("FBetaScore", {"beta": 0.5, "average": "macro"}, "one_hot"),
    ("IoU", {"num_classes": 4, "target_class_ids": [0, 2]}, "counts"),
    ("IoU", {"num_classes": 4, "target_class_ids": [1], "ignore_class": 2}, "counts"),
    ("BinaryIoU", {"threshold": 0.4}, "binary"),
    ("MeanIoU", {"num_classes": 4}, "counts"),
    ("OneHotIoU", {"num_classes": 4, "target_class_ids": [0, 1]}, "one_hot"),
    ("OneHotMeanIoU", {"num_classes": 4}, "one_hot"),
]
IDS = [f"{name}-{i}" for i, (name, *_) in enumerate(CASES)]


@pytest.mark.sample(11)
@pytest.mark.parametrize(("name", "options", "kind"), CASES, ids=IDS)
@pytest.mark.filterwarnings("ignore:You are passing weight")
def test_results_over_batches(name, options, kind):
    ours, theirs = getattr(L.metrics, name)(**options), getattr(keras.metrics, name)(**options)
    for batch in batches(kind):
        ours.update_state(*batch)
        theirs.update_state(*batch)
        np.testing.assert_allclose(ours.result(), theirs.result(), rtol=1e-5, atol=1e-6)
    assert [v.shape for v in ours.variables] == [v.shape for v in theirs.variables]
    assert [v.name for v in ours.variables] == [v.name for v in theirs.variables]
    assert [v.dtype for v in ours.variables] == [v.dtype for v in theirs.variables]
    for a, b in zip(ours.variables, theirs.variables, strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-5, atol=1e-6)
    ours.reset_state()
    assert all(not np.any(v.numpy()) for v in ours.variables)


@pytest.mark.sample(16)
@pytest.mark.parametrize(("name", "options", "kind"), CASES, ids=IDS)
def test_pure_in_jit(name, options, kind):
    first, second, _ = batches(kind)
    eager, pure = getattr(L.metrics, name)(**options), getattr(L.metrics, name)(**options)
    for metric in (eager, pure):
        metric.update_state(*first)
    eager.update_state(*second)

    @jax.jit
    def step(state, y_true, y_pred, weights):
        _, state = L.pure(pure.update_state, state, y_true, y_pred, weights)
        return L.pure(pure.result, state)[0], state

    result, state = step(L.state_of(pure), *second)
    np.testing.assert_allclose(result, eager.result(), rtol=1e-5)
    assert set(state) == set(L.state_of(eager))


@pytest.mark.parametrize("reduce", ["Mean", "Sum"])
@pytest.mark.parametrize(
    ("shape", "weight_shape"),
    [((), None), ((4,), (4,)), ((4, 3), (4,)), ((4, 3), (4, 3)), ((4, 3, 2), (4, 3)), ((4, 3), None)],
)
def test_sums_and_means(reduce, shape, weight_shape):
    values = RNG.normal(size=shape).astype("float32")
    weights = None if weight_shape is None else RNG.random(weight_shape).astype("float32")
    results = [getattr(lib.metrics, reduce)()(values, weights) for lib in (L, keras)]
    np.testing.assert_allclose(*results, rtol=1e-5)


def test_masks_leave_steps_out():
    y_true, y_pred = RNG.normal(size=(2, 4, 3, 2)).astype("float32")
    mask = jnp.asarray(np.arange(12).reshape(4, 3) % 4 > 0)
    results = []
    for lib, set_mask in ((L, L.state.set_mask), (keras, keras.src.backend.set_keras_mask)):
        predictions = jnp.asarray(y_pred)
        set_mask(predictions, mask)
        results.append(lib.metrics.MeanSquaredError()(y_true, predictions))
    np.testing.assert_allclose(*results, rtol=1e-5)


def test_stateless():
    ours, theirs = L.metrics.Precision(), keras.metrics.Precision()
    y_true, y_pred, _ = next(batches("binary"))
    states = [m.stateless_update_state(m.stateless_reset_state(), y_true, y_pred) for m in (ours, theirs)]
    for a, b in zip(*states, strict=True):
        np.testing.assert_allclose(a, b)
    np.testing.assert_allclose(ours.stateless_result(states[0]), theirs.stateless_result(states[1]), rtol=1e-6)
    assert float(ours.result()) == 0.0


ALL = sorted(n for n in dir(keras.metrics) if isinstance(getattr(keras.metrics, n), type))
REQUIRED = {
    "IoU": (3, [0, 1]),
    "OneHotIoU": (3, [0, 1]),
    "MeanIoU": (3,),
    "OneHotMeanIoU": (3,),
    "SensitivityAtSpecificity": (0.5,),
    "SpecificityAtSensitivity": (0.5,),
    "PrecisionAtRecall": (0.5,),
    "RecallAtPrecision": (0.5,),
}


@pytest.mark.parametrize("name", [n for n in ALL if n not in ("Metric", "MeanMetricWrapper")])
def test_signature_and_config(name):
    ours, theirs = getattr(L.metrics, name), getattr(keras.metrics, name)
    shown = [[(p.name, p.default) for p in inspect.signature(c).parameters.values()] for c in (ours, theirs)]
    assert shown[0] == shown[1]
    arguments = {"name": "m"} if "name" in inspect.signature(theirs).parameters else {}
    made, expected = (c(*REQUIRED.get(name, ()), **arguments) for c in (ours, theirs))
    config = made.get_config()
    assert {key: config[key] for key in expected.get_config()} == expected.get_config()
    assert theirs.from_config(config).get_config() == expected.get_config()
    assert type(L.metrics.deserialize(keras.metrics.serialize(expected))) is ours
    assert L.metrics.deserialize(L.metrics.serialize(made)).get_config() == config
    assert type(keras.metrics.deserialize(L.metrics.serialize(made))) is theirs
    assert made._direction in ("up", "down", None)
    assert getattr(expected, "_direction", made._direction) == made._direction


@pytest.mark.parametrize("name", ["mse", "MAE", "bce", "auc", "binary_accuracy", "Precision", "mean_io_u", "f1_score"])
def test_get(name):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            expected = type(keras.metrics.get(name)).__name__
        except (ValueError, TypeError) as error:
            with pytest.raises(type(error)):
                L.metrics.get(name)
            return
    assert type(L.metrics.get(name)).__name__ == expected


@pytest.mark.parametrize("shape", [(2, 3), (2, 3, 1), (6,), (2, 1, 3)])
@pytest.mark.parametrize("name", ["sparse_categorical_accuracy", "sparse_top_k_categorical_accuracy"])
def test_results_have_the_shape_of_the_class_numbers(name, shape):
    """Keras compares by broadcasting in the first; its results agree where shapes fit without."""
    random = np.random.RandomState(0)
    classes, scores = random.randint(0, 7, (2, 3)), random.rand(2, 3, 7).astype("float32")
    ours, theirs = getattr(L.metrics, name), getattr(keras.metrics, name)
    result = np.asarray(ours(classes.reshape(shape), scores))
    shape = shape if "top_k" in name or shape[-1] != 1 else shape[:-1]
    np.testing.assert_array_equal(result, np.reshape(theirs(classes, scores), shape))
    if shape == (2, 3):
        result = ours(classes[:, :1], scores[:, 0][None])
        np.testing.assert_array_equal(result, theirs(classes[:, :1], scores[:, 0]))


def test_wrapped_function_round_trips_to_keras():
    written = L.metrics.serialize(L.metrics.MeanMetricWrapper(L.losses.binary_crossentropy, name="b", from_logits=True))
    theirs = keras.metrics.deserialize(written)
    y_true, y_pred, _ = next(batches("bits"))
    np.testing.assert_allclose(theirs(y_true, y_pred), L.metrics.deserialize(written)(y_true, y_pred), rtol=1e-5)
