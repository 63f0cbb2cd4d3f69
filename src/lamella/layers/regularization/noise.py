"""GaussianNoise and GaussianDropout, which disturb; ActivityRegularization, which only costs."""

from __future__ import annotations

import math
from typing import Any, Unpack

from lamella import random, regularizers
from lamella.layers.configured import Elementwise
from lamella.layers.dropout_rate import Share
from lamella.layers.keywords import LayerKeywords, RegularizedKeywords
from lamella.layers.regularization.dropout import Noisy

__all__ = ["ActivityRegularization", "GaussianDropout", "GaussianNoise"]


class GaussianNoise(Noisy):
    """In training, adds normally distributed noise.

    Args:    stddev: its standard deviation, from 0 to 1.
    State:   seed_generator: the seed of the next draw
    Example: >>> GaussianNoise(0.1)(np.ones(2)).tolist()   # not training
             [1.0, 1.0]
    """

    amount = "stddev"
    config_names = ("stddev", "seed")
    stddev = Share()

    def __init__(self, stddev: float, seed: Any = None, **kwargs: Unpack[LayerKeywords]):
        super().__init__(**kwargs)
        self._keep_amount(stddev, seed)

    def _disturbed(self, x: Any) -> Any:
        return x + random.normal(x.shape, stddev=self.stddev, dtype=self.compute_dtype, seed=self.seed_generator)


class GaussianDropout(Noisy):
    """In training, multiplies by noise around 1, with standard deviation √(rate / (1 - rate)).

    Args:    rate: as in Dropout, which has the same variance.
    State:   seed_generator: the seed of the next draw
    Source:  Srivastava et al. 2014, section 10.
    Example: >>> GaussianDropout(0.5)(np.ones(2)).tolist()   # not training
             [1.0, 1.0]
    """

    config_names = ("rate", "seed")
    rate = Share()

    def __init__(self, rate: float, seed: Any = None, **kwargs: Unpack[LayerKeywords]):
        super().__init__(**kwargs)
        self._keep_amount(rate, seed)

    def _disturbed(self, x: Any) -> Any:
        stddev = math.sqrt(self.rate / (1 - self.rate))
        return x * random.normal(x.shape, 1.0, stddev, dtype=self.compute_dtype, seed=self.seed_generator)


class ActivityRegularization(Elementwise):
    """Returns its input, and adds l1 · sum|x| + l2 · sum x² to the loss, per sample.

    Example: >>> layer = ActivityRegularization(l2=0.5)
             >>> layer(np.array([[2.0], [4.0]])).shape, float(layer.losses[0])
             ((2, 1), 5.0)
    """

    config_names = ("l1", "l2")

    def __init__(self, l1: float = 0.0, l2: float = 0.0, **kwargs: Unpack[RegularizedKeywords]):
        super().__init__(activity_regularizer=regularizers.L1L2(l1=l1, l2=l2), **kwargs)
        self.l1, self.l2 = l1, l2

    def call(self, inputs: Any) -> Any:
        return inputs

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        config.pop("activity_regularizer", None)
        return config
