"""What `keras.wrappers` promises: models as estimators of scikit-learn, which must be installed."""

from lamella.wrappers.estimators import SKLearnClassifier, SKLearnRegressor, SKLearnTransformer

__all__ = ["SKLearnClassifier", "SKLearnRegressor", "SKLearnTransformer"]
