"""optuna: a study of two hyperparameters, with trials pruned by a callback of optuna-integration."""

import keras
import numpy as np
import optuna
from optuna_integration import KerasPruningCallback

optuna.logging.set_verbosity(optuna.logging.ERROR)
rng = np.random.default_rng(0)
x = rng.normal(size=(64, 4)).astype("float32")
y = (x.sum(1) > 0).astype("float32")


def objective(trial):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(trial.suggest_int("units", 2, 8), "relu")])
    model.add(keras.layers.Dense(1, activation="sigmoid"))
    rate = trial.suggest_float("rate", 1e-5, 0.1, log=True)
    model.compile(keras.optimizers.Adam(rate), "binary_crossentropy", metrics=["accuracy"])
    callback = KerasPruningCallback(trial, "val_accuracy")
    history = model.fit(x, y, epochs=5, validation_data=(x, y), callbacks=[callback], verbose=0)
    return history.history["val_accuracy"][-1]


study = optuna.create_study(
    direction="maximize", sampler=optuna.samplers.RandomSampler(0), pruner=optuna.pruners.MedianPruner(2, 1)
)
study.optimize(objective, n_trials=8)
states = {trial.state.name for trial in study.trials}
assert states == {"COMPLETE", "PRUNED"}, states
assert study.best_value > 0.7
print("ok")
