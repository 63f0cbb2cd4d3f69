"""A student that learns from a teacher: the numbers of Keras, files, and what does not fit."""

import keras
import numpy as np
import pytest

import lamella

RNG = np.random.default_rng(0)
X = RNG.normal(size=(16, 4)).astype("float32")
Y = RNG.integers(0, 3, 16)


def network(k, units, seed):
    model = k.Sequential(
        [k.Input((4,)), k.layers.Dense(units, activation="relu", name="hidden"), k.layers.Dense(3, name="logits")]
    )
    rng = np.random.default_rng(seed)
    model.set_weights([rng.normal(size=w.shape).astype("float32") for w in model.get_weights()])
    return model


def distiller(k, losses, **options):
    model = k.distillation.Distiller(network(k, 5, 0), network(k, 5, 1), losses(k), **options)
    model.compile("sgd", k.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    return model


def softened(k):
    return k.distillation.LogitsDistillation(2.0, loss=k.losses.KLDivergence())


def both(k):
    return [softened(k), k.distillation.FeatureDistillation("mse", "hidden", "hidden")]


@pytest.mark.parametrize(
    "losses, options",
    [
        (softened, {"student_loss_weight": 0.3}),
        (both, {"distillation_loss_weights": [1.0, 0.5]}),
        (lambda k: k.distillation.FeatureDistillation(), {}),
        (lambda k: k.distillation.LogitsDistillation(3.0, "categorical_crossentropy"), {"student_loss_weight": 0.0}),
    ],
)
def test_training_as_in_keras(losses, options):
    results = []
    for k in (lamella, keras):
        model = distiller(k, losses, **options)
        logs = model.fit(X, Y, epochs=2, batch_size=8, shuffle=False, verbose=0).history
        results.append((logs, model.predict(X, verbose=0)))
    assert results[0][0].keys() == results[1][0].keys()
    for key, values in results[1][0].items():
        np.testing.assert_allclose(results[0][0][key], values, rtol=1e-5, err_msg=key)
    np.testing.assert_allclose(results[0][1], results[1][1], rtol=1e-4, atol=1e-5)


def test_the_named_divergence_is_softened_too():
    by_name = lamella.distillation.LogitsDistillation(2.0)
    assert float(by_name.compute_loss(X, X[::-1])) == pytest.approx(float(softened(lamella).compute_loss(X, X[::-1])))


def test_files_bring_back_everything(tmp_path):
    model = distiller(lamella, both)
    model.fit(X, Y, epochs=1, verbose=0)
    model.save(tmp_path / "both.keras")
    again = lamella.saving.load_model(tmp_path / "both.keras")
    np.testing.assert_allclose(again.predict(X, verbose=0), model.predict(X, verbose=0), rtol=1e-6)
    assert again.evaluate(X, Y, verbose=0) == pytest.approx(model.evaluate(X, Y, verbose=0), rel=1e-5)
    again.fit(X, Y, epochs=1, verbose=0)


def test_the_teacher_stays_as_it_is():
    model = distiller(lamella, softened)
    before = model.teacher.get_weights()
    model.fit(X, Y, epochs=2, verbose=0)
    for one, other in zip(before, model.teacher.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_outputs_left_out():
    loss = lamella.distillation.LogitsDistillation(1.0, [lamella.losses.MeanSquaredError(), None])
    assert float(loss.compute_loss([X, X], [X + 1, X])) == pytest.approx(1.0)


class NoScalar(lamella.distillation.DistillationLoss):
    def compute_loss(self, teacher_outputs, student_outputs, **kwargs):
        return student_outputs


def test_what_does_not_fit():
    D = lamella.distillation
    one, other = network(lamella, 5, 0), network(lamella, 5, 1)
    with pytest.raises(ValueError, match="cannot be `None`"):
        D.Distiller(one, other, None)
    with pytest.raises(ValueError, match="between"):
        D.Distiller(one, other, D.LogitsDistillation(), student_loss_weight=2)
    with pytest.raises(ValueError, match="must match"):
        D.Distiller(one, other, [D.LogitsDistillation()], distillation_loss_weights=[1, 2])
    with pytest.raises(ValueError, match=r"must be a keras\.Model"):
        D.Distiller("one", other, D.LogitsDistillation())
    with pytest.raises(ValueError, match="In teacher model"):
        D.Distiller(one, other, D.FeatureDistillation("mse", "nowhere", "hidden"))
    with pytest.raises(ValueError, match="input shapes are incompatible"):
        wide = lamella.Sequential([lamella.Input((7,)), lamella.layers.Dense(3)])
        D.Distiller(wide, other, D.LogitsDistillation())
    with pytest.raises(ValueError, match="positive"):
        D.LogitsDistillation(0)
    with pytest.raises(ValueError, match="at least one"):
        D.FeatureDistillation([None, None])
    with pytest.raises(ValueError, match="'loss' cannot be"):
        D.Distiller(one, other, D.LogitsDistillation()).compile("sgd")
    with pytest.raises(ValueError, match="must return a scalar"):
        distiller(lamella, lambda k: NoScalar()).fit(X, Y, verbose=0)
