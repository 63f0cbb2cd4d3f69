"""scikit-learn's classes, where it is installed, and targets as columns, classes one-hot."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, TransformerMixin

    installed = True
else:
    try:
        from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, TransformerMixin

        installed = True
    except ImportError:  # the wrappers can be imported, and say so when they are made

        class BaseEstimator: ...

        class ClassifierMixin: ...

        class RegressorMixin: ...

        class TransformerMixin: ...

        installed = False


class Columns(TransformerMixin, BaseEstimator):
    """Makes a vector of targets a column, and a column of predictions a vector again."""

    def fit(self, y: np.ndarray) -> Columns:
        self.ndim_ = y.ndim
        return self

    def transform(self, y: np.ndarray) -> np.ndarray:
        return y.reshape(-1, 1) if y.ndim == 1 else y

    def inverse_transform(self, y: np.ndarray) -> np.ndarray:
        return np.squeeze(y, axis=1) if self.ndim_ == 1 and y.ndim == 2 else y


def one_hot_columns() -> Any:
    """A pipeline from labels to one-hot rows and back."""
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder

    return make_pipeline(Columns(), OneHotEncoder(sparse_output=False))
