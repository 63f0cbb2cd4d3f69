"""scikeras: a classifier and a regressor in scikit-learn's pipelines, searched, pickled and fitted further."""

import pickle

import keras
import numpy as np
from scikeras.wrappers import KerasClassifier, KerasRegressor
from sklearn.base import clone
from sklearn.datasets import make_classification, make_regression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

x, y = make_classification(120, 8, random_state=0)


def classifier(hidden, meta):
    return keras.Sequential(
        [
            keras.Input((meta["n_features_in_"],)),
            keras.layers.Dense(hidden, activation="relu"),
            keras.layers.Dense(1, activation="sigmoid"),
        ]
    )


def regressor(meta):
    return keras.Sequential([keras.Input((5,)), keras.layers.Dense(1)])


estimator = KerasClassifier(
    classifier,
    loss="binary_crossentropy",
    optimizer="adam",
    optimizer__learning_rate=0.05,
    hidden=8,
    epochs=5,
    verbose=0,
    metrics=["accuracy"],
    callbacks=keras.callbacks.EarlyStopping,
    callbacks__monitor="loss",
)
pipeline = make_pipeline(StandardScaler(), clone(estimator)).fit(x, y)
assert pipeline.score(x, y) > 0.6
again = pickle.loads(pickle.dumps(pipeline))
np.testing.assert_allclose(again.predict_proba(x), pipeline.predict_proba(x), rtol=1e-5)
again[-1].partial_fit(x, y)

search = GridSearchCV(estimator, {"hidden": [4, 8]}, cv=2).fit(x, y)
assert search.best_params_["hidden"] in (4, 8)

x, y = make_regression(60, 5, random_state=0)
linear = KerasRegressor(regressor, loss="mse", optimizer=keras.optimizers.SGD, epochs=2, verbose=0).fit(x, y)
model = pickle.loads(pickle.dumps(linear.model_))
np.testing.assert_allclose(model.predict(x, verbose=0)[:, 0], linear.predict(x), rtol=1e-4)
print("ok")
