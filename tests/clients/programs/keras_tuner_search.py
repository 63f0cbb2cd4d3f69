"""keras_tuner: two hyperparameters searched by four tuners, the best model taken and fitted further."""

import keras
import keras_tuner
import numpy as np
from keras import layers

rng = np.random.default_rng(0)
x, y = rng.random((64, 4, 4)), rng.integers(0, 3, 64)


def build(hp):
    model = keras.Sequential(
        [
            layers.Flatten(),
            layers.Dense(hp.Int("units", 8, 16, 8), activation=hp.Choice("activation", ["relu", "tanh"])),
            layers.Dense(3, activation="softmax"),
        ]
    )
    model.compile(
        keras.optimizers.Adam(hp.Float("rate", 1e-4, 1e-2, sampling="log")),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return model


class OwnFit(keras_tuner.HyperModel):
    def build(self, hp):
        return build(hp)

    def fit(self, hp, model, *args, **kwargs):
        return model.fit(*args, batch_size=hp.Choice("batch", [16, 32]), **kwargs)


TUNERS = [
    (keras_tuner.RandomSearch, {"max_trials": 2}),
    (keras_tuner.Hyperband, {"max_epochs": 2}),
    (keras_tuner.BayesianOptimization, {"max_trials": 2}),
    (keras_tuner.GridSearch, {"max_trials": 2}),
]
for tuner, limits in TUNERS:
    search = tuner(build, objective="val_accuracy", project_name=tuner.__name__, **limits)
    stop = keras.callbacks.EarlyStopping(patience=1)
    search.search(x, y, epochs=2, validation_data=(x, y), verbose=0, callbacks=[stop])
    assert search.get_best_models(1)[0].predict(x, verbose=0).shape == (64, 3)

search = keras_tuner.RandomSearch(OwnFit(), objective=keras_tuner.Objective("val_loss", "min"), max_trials=2)
search.search(x, y, epochs=1, validation_data=(x, y), verbose=0)
best = search.get_best_hyperparameters()[0]
assert best.get("batch") in (16, 32)
search.hypermodel.build(best).fit(x, y, verbose=0)
print("ok")
