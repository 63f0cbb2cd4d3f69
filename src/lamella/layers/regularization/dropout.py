"""Dropout and its kin: in training, some numbers are left out at random."""

from __future__ import annotations

from typing import Any, Unpack

from lamella import config, ops, random
from lamella.layers.configured import Elementwise, Shape
from lamella.layers.dropout_rate import Share
from lamella.layers.input_spec import InputSpec
from lamella.layers.keywords import LayerKeywords
from lamella.state import SeedGenerator

__all__ = ["AlphaDropout", "Dropout", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D"]


class Noisy(Elementwise):
    """A layer that draws random numbers while it trains, unless there is no need to.

    amount: the argument that says how much, a `Share`; 0 switches the layer off.
    """

    amount = "rate"
    seed_generator: SeedGenerator

    def _keep_amount(self, value: float, seed: Any) -> None:
        self.seed = seed
        setattr(self, self.amount, value)

    def call(self, inputs: Any, training: bool = False) -> Any:
        return self._disturbed(inputs) if training and getattr(self, self.amount) > 0 else inputs

    def _disturbed(self, x: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} does not define _disturbed().")


class Dropout(Noisy):
    """In training, sets a share of the numbers to 0 and scales the others by 1 / (1 - rate).

    Args:    rate: the share, from 0 to 1.
             noise_shape: where it is 1, all numbers along that axis fall together;
                 None stands for the input's size.
    State:   seed_generator: the seed of the next draw
    Source:  Srivastava et al. 2014, Dropout: A Simple Way to Prevent Overfitting.
    Example: >>> Dropout(0.5)(np.ones(3)).tolist()   # not training
             [1.0, 1.0, 1.0]
    """

    config_names = ("rate", "seed", "noise_shape")
    rate = Share()

    def __init__(self, rate: float, noise_shape: Any = None, seed: Any = None, **kwargs: Unpack[LayerKeywords]):
        super().__init__(**kwargs)
        self._keep_amount(rate, seed)
        self.noise_shape = self._checked_(noise_shape)

    def _checked_(self, noise_shape: Any) -> Shape | None:
        if noise_shape is None:
            return None
        fits = isinstance(noise_shape, (tuple, list))
        if not fits or not all(d is None or (isinstance(d, int) and d > 0) for d in noise_shape):
            raise self._refusal_("noise_shape", noise_shape, "a tuple of positive integers and Nones")
        return tuple(noise_shape)

    def _disturbed(self, x: Any) -> Any:
        return random.dropout(x, self.rate, noise_shape=self._noise_shape(x), seed=self.seed_generator)

    def _noise_shape(self, x: Any) -> Shape | None:
        return self.noise_shape


class SpatialDropout(Dropout):
    """Drops whole channels; see SpatialDropout2D."""

    rank: int
    config_names = ("rate", "seed", "data_format")

    def __init__(
        self, rate: float, data_format: str | None = None, seed: Any = None, name: str | None = None, dtype: Any = None
    ):
        super().__init__(rate, seed=seed, name=name, dtype=dtype)
        self.data_format = config.standardize_data_format(data_format)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def _noise_shape(self, x: Any) -> Shape:
        ones = (1,) * self.rank
        last = self.data_format == "channels_last"
        return (x.shape[0], *ones, x.shape[-1]) if last else (x.shape[0], x.shape[1], *ones)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        return {**{name: config[name] for name in (*self.config_names, "name")}, "dtype": self.dtype}


class SpatialDropout1D(SpatialDropout):
    """In training, drops whole channels of a sequence, over all steps.

    Shape:   in (batch, steps, channels) → out the same
    Example: >>> SpatialDropout1D(0.5)(np.ones((2, 3, 4))).shape
             (2, 3, 4)
    """

    rank = 1
    config_names = ("rate", "seed")

    def __init__(self, rate: float, seed: Any = None, name: str | None = None, dtype: Any = None):
        super().__init__(rate, "channels_last", seed, name, dtype)


class SpatialDropout2D(SpatialDropout):
    """In training, drops whole channels of an image, over all pixels.

    Shape:   in (batch, height, width, channels) → out the same
    Source:  Tompson et al. 2015, Efficient Object Localization Using Convolutional Networks.
    Example: >>> SpatialDropout2D(0.5)(np.ones((2, 3, 3, 4))).shape
             (2, 3, 3, 4)
    """

    rank = 2


class SpatialDropout3D(SpatialDropout):
    """In training, drops whole channels of a volume, over all voxels.

    Example: >>> SpatialDropout3D(0.5)(np.ones((2, 3, 3, 3, 4))).shape
             (2, 3, 3, 3, 4)
    """

    rank = 3


class AlphaDropout(Dropout):
    """Dropout for networks with selu: mean and variance stay what they are.

    Source:  Klambauer et al. 2017, Self-Normalizing Neural Networks.
    Example: >>> AlphaDropout(0.5)(np.ones(2)).tolist()   # not training
             [1.0, 1.0]
    """

    def _disturbed(self, x: Any) -> Any:
        lowest = -1.7580993408473766  # what selu tends to for small x: -scale · alpha
        shape = (
            x.shape if self.noise_shape is None else [n or d for n, d in zip(self.noise_shape, x.shape, strict=True)]
        )
        kept = ops.cast(random.uniform(shape, seed=self.seed_generator) >= self.rate, x.dtype)
        a = ((1 - self.rate) * (1 + self.rate * lowest**2)) ** -0.5
        b = -a * lowest * self.rate
        return a * (x * kept + lowest * (1 - kept)) + b
