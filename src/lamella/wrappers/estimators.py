"""Models as scikit-learn's classifiers, regressors and transformers."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np

from lamella.errors import ArgumentError, MissingExtraError, StateError
from lamella.models import Model, clone_model
from lamella.wrappers.targets import (
    BaseEstimator,
    ClassifierMixin,
    Columns,
    RegressorMixin,
    TransformerMixin,
    installed,
    one_hot_columns,
)

_ARGS = """
    Args:    model: a compiled model, of which each fit trains a copy; or a function of X, y and `model_kwargs` that
                 returns one.
             warm_start: go on training the same model in the next fit.
             model_kwargs: further arguments of that function.
             fit_kwargs: arguments of `Model.fit`; those given to `fit` here come first.
    State:   model_, the fitted model; history_, what `Model.fit` returned."""


class KerasEstimator(BaseEstimator):
    """What the three wrappers share: a model that is made, fitted and asked as scikit-learn expects."""

    def __init__(
        self,
        model: Model | Callable[..., Model],
        warm_start: bool = False,
        model_kwargs: dict[str, Any] | None = None,
        fit_kwargs: dict[str, Any] | None = None,
    ):
        if not installed:
            raise MissingExtraError(
                f"{type(self).__name__} needs scikit-learn, which is not installed.", fix="pip install lamella[sklearn]"
            )
        self.model = model
        self.warm_start = warm_start
        self.model_kwargs = model_kwargs
        self.fit_kwargs = fit_kwargs

    # As scikit-learn asks about it

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()  # type: ignore[misc]
        tags.non_deterministic = True
        return tags

    def __sklearn_clone__(self) -> Any:
        model = copy.deepcopy(self.model) if isinstance(self.model, Model) else self.model
        return type(self)(model, self.warm_start, self.model_kwargs, self.fit_kwargs)

    def set_fit_request(self, **kwargs: bool | str | None) -> Any:
        """Says which metadata `fit` asks for.

        Raises: StateError: metadata routing is switched off.
        """
        import sklearn
        from sklearn.utils.metadata_routing import MetadataRequest

        if not sklearn.get_config().get("enable_metadata_routing", False):
            raise StateError(
                "Metadata routing is switched off.", fix="call sklearn.set_config(enable_metadata_routing=True)"
            )
        self._metadata_request = MetadataRequest(owner=type(self).__name__)
        for name, alias in kwargs.items():
            self._metadata_request.fit.add_request(param=name, alias=alias)
        return self

    @property
    def epoch_(self) -> Any:
        """The epochs trained, as `Model.fit` counts them."""
        return getattr(getattr(self, "history_", None), "epoch", 0)

    # Fitting and predicting

    def fit(self, X: Any, y: Any, **kwargs: Any) -> Any:  # noqa: N803 - scikit-learn's name
        """Trains a model on samples X (samples, features) and targets y; kwargs go to `Model.fit`."""
        X, y = _checked(self, X, y)
        y = self._encoded(y, reset=True)
        model = self._model_to_fit(X, y)
        if not model.compiled or not model.loss or not model.optimizer:
            raise StateError(
                "The model is not compiled with a loss and an optimizer.", fix="call model.compile(optimizer, loss)"
            )
        self.history_ = model.fit(X, y, **{**(self.fit_kwargs or {}), **kwargs})
        self.model_ = model
        return self

    def predict(self, X: Any) -> np.ndarray:  # noqa: N803
        """The targets that the fitted model predicts for samples."""
        return self._decoded(self._outputs(X))

    def _outputs(self, X: Any) -> np.ndarray:  # noqa: N803
        from sklearn.utils.validation import check_is_fitted

        check_is_fitted(self)
        return self.model_.predict(_checked(self, X, reset=False))

    def _model_to_fit(self, X: Any, y: Any) -> Model:  # noqa: N803
        if self.warm_start and hasattr(self, "model_"):
            return self.model_
        if isinstance(self.model, Model):
            return self.model if self.warm_start else clone_model(self.model)
        return self.model(X=X, y=y, **(self.model_kwargs or {}))

    def _encoded(self, y: np.ndarray, reset: bool = False) -> np.ndarray:
        _target_type(y)
        if reset:
            self._target_encoder = Columns().fit(y)
        return self._target_encoder.transform(y)

    def _decoded(self, outputs: np.ndarray) -> np.ndarray:
        return self._target_encoder.inverse_transform(outputs)


class SKLearnClassifier(ClassifierMixin, KerasEstimator):
    __doc__ = f"""A model as a classifier of scikit-learn; it is trained on one-hot rows, one column a class.
{_ARGS}; classes_, the labels in the order of the columns.
    Raises:  MissingExtraError: scikit-learn is not installed.
    """

    def decision_function(self, X: Any) -> np.ndarray:  # noqa: N803
        """The outputs of the fitted model, one column a class."""
        return self._outputs(X)

    def _encoded(self, y: np.ndarray, reset: bool = False) -> np.ndarray:
        kind = _target_type(y)
        if kind not in ("binary", "multiclass"):
            raise ArgumentError(
                f"Only binary and multiclass target types are supported. Target type: {kind}",
                fix="use SKLearnRegressor" if kind.startswith("continuous") else None,
            )
        if reset:
            self._target_encoder = one_hot_columns().fit(y)
            self.classes_ = np.unique(y)
            if len(self.classes_) == 1:
                raise ArgumentError("Classifier can't train when only one class is present.")
        return self._target_encoder.transform(y)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.poor_score = True
        return tags


class SKLearnRegressor(RegressorMixin, KerasEstimator):
    __doc__ = f"""A model as a regressor of scikit-learn; it is trained on columns, one for one target.
{_ARGS}.
    Raises:  MissingExtraError: scikit-learn is not installed.
    """

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.regressor_tags.poor_score = True
        return tags


class SKLearnTransformer(TransformerMixin, KerasEstimator):
    __doc__ = f"""A model as a transformer of scikit-learn: the model's outputs are the new features.
{_ARGS}.
    Raises:  MissingExtraError: scikit-learn is not installed.
    """

    def transform(self, X: Any) -> np.ndarray:  # noqa: N803
        """The outputs of the fitted model for samples."""
        return self._outputs(X)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = []
        return tags


def _checked(estimator: Any, *args: Any, **kwargs: Any) -> Any:
    """Samples (and targets) as arrays that scikit-learn has checked."""
    try:
        from sklearn.utils.validation import validate_data
    except ImportError:  # before scikit-learn 1.6
        return estimator._validate_data(*args, **kwargs)
    return validate_data(estimator, *args, **kwargs)


def _target_type(y: Any) -> str:
    from sklearn.utils.multiclass import type_of_target

    kind = type_of_target(y)
    if kind == "unknown":
        raise ArgumentError(f"Unknown label type for data: {y!r}")
    return kind
