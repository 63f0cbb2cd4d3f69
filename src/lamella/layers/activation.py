"""Layers that apply a nonlinearity, element by element."""

from __future__ import annotations

from typing import Any, Unpack

from lamella import activations, ops
from lamella.errors import ShapeError
from lamella.layers.configured import Configured, Elementwise, Shape, rules
from lamella.layers.input_spec import InputSpec
from lamella.layers.keywords import LayerKeywords

__all__ = ["ELU", "Activation", "LeakyReLU", "PReLU", "ReLU", "Softmax"]


class Activation(Elementwise):
    """Applies an activation, given by name or as a function.

    Example: >>> Activation("relu")(np.array([-1.0, 2.0])).tolist()
             [0.0, 2.0]
    """

    config_names = ("activation",)

    def __init__(self, activation: Any, **kwargs: Unpack[LayerKeywords]):
        super().__init__(**kwargs)
        self.activation = activations.get(activation)

    def call(self, inputs: Any) -> Any:
        return self.activation(inputs)


class ReLU(Elementwise):
    """max(x, 0), with a ceiling, a slope below and a threshold if asked for.

        x ≥ max_value                   → max_value
        threshold ≤ x < max_value       → x
        x < threshold                   → negative_slope · (x - threshold)

    Example: >>> ReLU(max_value=6)(np.array([-1.0, 3.0, 8.0])).tolist()
             [0.0, 3.0, 6.0]
    """

    config_names = ("max_value", "negative_slope", "threshold")

    def __init__(
        self,
        max_value: float | None = None,
        negative_slope: float = 0.0,
        threshold: float = 0.0,
        **kwargs: Unpack[LayerKeywords],
    ):
        super().__init__(**kwargs)
        self.max_value, self.negative_slope, self.threshold = max_value, negative_slope, threshold
        for name in self.config_names:
            value = getattr(self, name)
            if (value is None and name != "max_value") or (value is not None and value < 0):
                raise self._refusal_(name, value, "a number of at least 0")

    def call(self, inputs: Any) -> Any:
        return activations.relu(
            inputs, negative_slope=self.negative_slope, max_value=self.max_value, threshold=self.threshold
        )


class _LeakyReLUKeywords(LayerKeywords, total=False):
    alpha: float


class LeakyReLU(Elementwise):
    """x where x ≥ 0, negative_slope · x below.

    Example: >>> LeakyReLU(0.5)(np.array([-2.0, 2.0])).tolist()
             [-1.0, 2.0]
    """

    config_names = ("negative_slope",)

    def __init__(self, negative_slope: float = 0.3, **kwargs: Unpack[_LeakyReLUKeywords]):
        negative_slope = kwargs.pop("alpha", negative_slope)  # its name in Keras 2
        super().__init__(**kwargs)
        if negative_slope is None or negative_slope < 0:
            raise self._refusal_("negative_slope", negative_slope, "a number of at least 0")
        self.negative_slope = negative_slope

    def call(self, inputs: Any) -> Any:
        return activations.leaky_relu(inputs, negative_slope=self.negative_slope)


class ELU(Elementwise):
    """x where x > 0, alpha · (exp(x) - 1) below.

    Source:  Clevert et al. 2016, Fast and Accurate Deep Network Learning by ELUs.
    Example: >>> ELU()(np.array([0.0, 2.0])).tolist()
             [0.0, 2.0]
    """

    config_names = ("alpha",)

    def __init__(self, alpha: float = 1.0, **kwargs: Unpack[LayerKeywords]):
        super().__init__(**kwargs)
        self.alpha = alpha

    def call(self, inputs: Any) -> Any:
        return activations.elu(inputs, alpha=self.alpha)


class PReLU(Configured):
    """x where x ≥ 0, a learned slope times x below.

    Args:    shared_axes: axes along which one slope serves all, e.g. [1, 2] for images.
    State:   alpha: the input's shape without the batch, 1 in `shared_axes`
    Source:  He et al. 2015, Delving Deep into Rectifiers.
    Example: >>> PReLU("ones", shared_axes=[1])(np.array([[-2.0, 2.0]])).tolist()
             [[-2.0, 2.0]]
    """

    config_names = (*rules("alpha"), "shared_axes")

    def __init__(
        self,
        alpha_initializer: Any = "Zeros",
        alpha_regularizer: Any = None,
        alpha_constraint: Any = None,
        shared_axes: Any = None,
        **kwargs: Unpack[LayerKeywords],
    ):
        super().__init__(**kwargs)
        self.supports_masking = True
        self._rule_("alpha", alpha_initializer, alpha_regularizer, alpha_constraint)
        one = shared_axes is not None and not isinstance(shared_axes, (list, tuple))
        self.shared_axes = [shared_axes] if one else None if shared_axes is None else list(shared_axes)

    def build(self, input_shape: Shape) -> None:
        shared = self.shared_axes or ()
        axes = range(1, len(input_shape))
        self.alpha = self._add_ruled_("alpha", [1 if i in shared else self._known_size_(input_shape, i) for i in axes])
        own = {i: input_shape[i] for i in axes if i not in shared} if shared else {}
        self.input_spec = InputSpec(ndim=len(input_shape), axes=own)

    def call(self, inputs: Any) -> Any:
        return activations.relu(inputs) - self.alpha * activations.relu(-inputs)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape


class Softmax(Elementwise):
    """exp(x) / sum(exp(x)) over one or more axes.

    Args:    axis: an axis, or several that sum to 1 together.
    Shape:   in any → out the same; mask: broadcast to the input, False where an
             entry takes no part and becomes 0
    Example: >>> Softmax()(np.array([[1.0, 1.0]]), mask=np.array([[True, False]])).tolist()
             [[1.0, 0.0]]
    """

    config_names = ("axis",)

    def __init__(self, axis: Any = -1, **kwargs: Unpack[LayerKeywords]):
        super().__init__(**kwargs)
        self.axis = axis

    def call(self, inputs: Any, mask: Any = None) -> Any:
        if mask is None:
            return self._softmax(inputs)
        keep = self._checked_(mask, inputs)
        lowest = -3e4 if inputs.dtype == "float16" else -1e9
        return ops.where(keep, self._softmax(ops.where(keep, inputs, lowest)), 0.0)

    def _softmax(self, x: Any) -> Any:
        axis = self.axis
        if not isinstance(axis, (tuple, list)):
            return activations.softmax(x, axis=axis)
        return ops.exp(x - ops.logsumexp(x, axis=tuple(axis), keepdims=True))

    def _checked_(self, mask: Any, inputs: Any) -> Any:
        pairs = zip(reversed(mask.shape), reversed(inputs.shape), strict=False)
        if len(mask.shape) > len(inputs.shape) or any(m not in (1, i) for m, i in pairs):
            raise ShapeError(
                f"{self._where_()} has a mask that does not fit its input.",
                expected=f"a shape that broadcasts to {inputs.shape}",
                received=mask.shape,
            )
        return mask if mask.dtype == "bool" else ops.greater(mask, 0.5)
