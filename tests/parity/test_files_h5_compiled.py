"""Old files, with how the model was compiled, are read by Keras too."""

import keras
import numpy as np
import pytest

import lamella

X, Y = np.ones((4, 3), "float32"), np.ones((4, 2), "float32")
LOSSES = ["mse", "mae", "mape", "msle", "kld", "bce", "MSE", "huber", "mean_squared_error"]


@pytest.mark.parametrize("loss", [*LOSSES, {"a": "mse", "b": "huber"}, ["mse", "mae"]], ids=str)
def test_losses_by_short_names(tmp_path, loss):
    x = lamella.Input((3,))
    outputs = [lamella.layers.Dense(2, activation="sigmoid", name=name)(x) for name in "ab"]
    model = lamella.Model(x, outputs if not isinstance(loss, str) else outputs[0])
    model.compile("sgd", loss, metrics=None if not isinstance(loss, str) else ["mse", "acc"])
    y = Y if isinstance(loss, str) else [Y, Y]
    model.fit(X, y, verbose=0)
    expected = model.evaluate(X, y, verbose=0)
    model.save(tmp_path / "m.h5")
    for reader in (lamella, keras):
        copy = reader.saving.load_model(tmp_path / "m.h5")
        np.testing.assert_allclose(copy.evaluate(X, y, verbose=0), expected, rtol=1e-5)
        assert int(np.asarray(copy.optimizer.iterations)) == 1


def test_attention_with_grouped_queries(tmp_path):
    """Its class has another name in these files."""
    x = keras.Input((5, 4))
    model = keras.Model(x, keras.layers.GroupQueryAttention(2, 4, 2)(x, x))
    model.save(tmp_path / "m.h5")
    copy, data = lamella.saving.load_model(tmp_path / "m.h5"), np.ones((2, 5, 4), "float32")
    np.testing.assert_allclose(copy.predict(data, verbose=0), model.predict(data, verbose=0), rtol=1e-5)
