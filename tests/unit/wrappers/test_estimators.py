"""Models as estimators of scikit-learn: its own checks, pipelines, searches, pickles."""

import pickle
import subprocess
import sys

import numpy as np
import pytest
import sklearn
from sklearn.base import clone
from sklearn.datasets import make_classification, make_regression
from sklearn.model_selection import GridSearchCV, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import lamella as L
from lamella.wrappers import SKLearnClassifier, SKLearnRegressor, SKLearnTransformer

QUIET = {"verbose": 0}


def make_network(X, y, loss="mse", activation=None, units=8):
    columns = y.shape[1] if y.ndim > 1 else 1
    model = L.Sequential(
        [
            L.Input((X.shape[1],)),
            L.layers.Dense(units, activation="relu"),
            L.layers.Dense(columns, activation=activation),
        ]
    )
    model.compile("rmsprop", loss)
    return model


class Network:
    """Makes a model, and has one name in every process: test cases are named after it."""

    def __call__(self, X, y, **kwargs):
        return make_network(X, y, **kwargs)

    def __repr__(self):
        return "network"

    def __deepcopy__(self, memo):
        return self


network = Network()
CLASSIFY = {"loss": "categorical_crossentropy", "activation": "softmax"}
NEEDS_EQUAL_FITS = "fits draw other first weights each time"
EXPECTED_TO_FAIL = {
    "SKLearnClassifier": {
        "check_classifiers_classes": "a short training does not find every class",
        "check_classifiers_one_label_sample_weights": "samples of weight 0 count as a class",
        "check_classifier_data_not_an_array": NEEDS_EQUAL_FITS,
        "check_supervised_y_2d": NEEDS_EQUAL_FITS,
        "check_fit_idempotent": NEEDS_EQUAL_FITS,
        "check_classifiers_train": "decision_function() returns what the model does, which may be probabilities",
    },
    "SKLearnRegressor": {
        "check_regressor_data_not_an_array": NEEDS_EQUAL_FITS,
        "check_regressors_int": NEEDS_EQUAL_FITS,
        "check_supervised_y_2d": NEEDS_EQUAL_FITS,
        "check_fit_idempotent": NEEDS_EQUAL_FITS,
    },
    "SKLearnTransformer": {"check_fit_idempotent": NEEDS_EQUAL_FITS},
}


@pytest.mark.sample(10)
@parametrize_with_checks(
    [
        SKLearnClassifier(network, model_kwargs=CLASSIFY, fit_kwargs=QUIET),
        SKLearnRegressor(network, fit_kwargs=QUIET),
        SKLearnTransformer(network, fit_kwargs=QUIET),
    ],
    expected_failed_checks=lambda estimator: EXPECTED_TO_FAIL.get(type(estimator).__name__, {}),
)
def test_the_checks_of_scikit_learn(estimator, check):
    check(estimator)


@pytest.fixture
def classes():
    return make_classification(60, 6, n_informative=4, n_classes=3, random_state=0)


def test_labels_of_any_kind(classes):
    X, y = classes
    names = np.array(["ant", "bee", "cat"])[y]
    estimator = SKLearnClassifier(network, model_kwargs=CLASSIFY, fit_kwargs={**QUIET, "epochs": 2}).fit(X, names)
    assert list(estimator.classes_) == ["ant", "bee", "cat"]
    predicted = estimator.predict(X)
    assert predicted.shape == (60,) and set(predicted) <= set(names)
    assert (estimator.classes_[estimator.decision_function(X).argmax(-1)] == predicted).all()
    assert len(estimator.history_.history["loss"]) == 2


def test_pipeline_pickled(classes):
    X, y = classes
    fitted = make_pipeline(StandardScaler(), SKLearnClassifier(network, model_kwargs=CLASSIFY, fit_kwargs=QUIET)).fit(
        X, y
    )
    again = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_allclose(again.decision_function(X), fitted.decision_function(X), rtol=1e-6)


def test_search_over_the_arguments_of_the_model(classes):
    X, y = classes
    search = GridSearchCV(
        SKLearnClassifier(network, fit_kwargs=QUIET), {"model_kwargs": [{**CLASSIFY, "units": n} for n in (2, 4)]}, cv=2
    )
    assert search.fit(X, y).best_estimator_.model_.layers[0].units in (2, 4)


def test_a_compiled_model_stays_as_it_is():
    X, y = make_regression(20, 3, random_state=0)
    model = network(X, y)
    before = model.get_weights()
    estimator = SKLearnRegressor(model, fit_kwargs=QUIET).fit(X, y, epochs=2)
    for one, other in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    assert estimator.predict(X).shape == (20,)
    assert cross_val_predict(SKLearnRegressor(model, fit_kwargs=QUIET), X, y, cv=2).shape == (20,)


def test_clone_keeps_the_arguments_of_fit():
    assert clone(SKLearnRegressor(network, fit_kwargs={"epochs": 3})).fit_kwargs == {"epochs": 3}


def test_arguments_of_one_fit_are_not_those_of_the_next():
    X, y = make_regression(8, 3, random_state=0)
    estimator = SKLearnRegressor(network, fit_kwargs=QUIET)
    assert len(estimator.fit(X, y, epochs=3).history_.history["loss"]) == 3
    assert len(estimator.fit(X, y).history_.history["loss"]) == 1
    assert estimator.fit_kwargs == QUIET


def test_warm_start_goes_on():
    X, y = make_regression(8, 3, random_state=0)
    estimator = SKLearnRegressor(network, warm_start=True, fit_kwargs=QUIET).fit(X, y)
    first = estimator.model_
    assert estimator.fit(X, y).model_ is first
    assert first.optimizer.iterations.numpy() == 2


def test_outputs_as_features():
    X, y = make_regression(12, 3, random_state=0)
    assert SKLearnTransformer(network, fit_kwargs=QUIET).fit(X, y).transform(X).shape == (12, 1)
    with pytest.raises(ValueError, match="1d array"):
        SKLearnTransformer(network).fit(X, X)


def test_what_cannot_be_fitted(classes):
    X, y = classes
    bare = L.Sequential([L.Input((6,)), L.layers.Dense(3)])
    with pytest.raises(RuntimeError, match="not compiled"):
        SKLearnClassifier(bare).fit(X, y)
    with pytest.raises(ValueError, match="Only binary and multiclass"):
        SKLearnClassifier(network, model_kwargs=CLASSIFY).fit(X, X[:, 0])
    with pytest.raises(ValueError, match="only one class"):
        SKLearnClassifier(network, model_kwargs=CLASSIFY).fit(X, np.zeros(60, int))
    with pytest.raises(RuntimeError, match="set_config"):
        SKLearnRegressor(network).set_fit_request(sample_weight=True)


def test_metadata_routing():
    with sklearn.config_context(enable_metadata_routing=True):
        request = SKLearnRegressor(network).set_fit_request(sample_weight=True).get_metadata_routing()
    assert request.fit.requests == {"sample_weight": True}


def test_without_scikit_learn():
    code = (
        "import sys; sys.modules['sklearn'] = sys.modules['sklearn.base'] = None\n"
        "from lamella.wrappers import SKLearnRegressor\n"
        "try: SKLearnRegressor(None)\n"
        "except ImportError as error: print(error)\n"
    )
    text = subprocess.check_output([sys.executable, "-c", code], text=True)
    assert text.startswith("SKLearnRegressor needs scikit-learn") and "lamella[sklearn]" in text
