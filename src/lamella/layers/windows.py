"""Windows that slide over the spatial axes of an input: how many places they have.

Convolution and pooling count alike.
"""

from __future__ import annotations

from typing import Any

from lamella import config
from lamella.errors import ShapeError
from lamella.layers.configured import Configured, Shape


def places(size: int | None, window: int, stride: int, padding: str, dilation: int = 1) -> int | None:
    """How many places a window has along one axis; at most 0 where it does not fit.

    Example: >>> places(7, window=3, stride=2, padding="valid"), places(7, 3, 2, "same")
             (3, 4)
    """
    if size is None:
        return None
    span = (window - 1) * dilation + 1 if padding == "valid" else 1
    return (size - span) // stride + 1


class Spatial(Configured):
    """A layer over inputs with `rank` spatial axes, and channels last or first."""

    rank: int
    data_format: str

    def _keep_data_format_(self, data_format: str | None) -> None:
        self.data_format = config.standardize_data_format(data_format)

    def _padding_(self, padding: Any, *more: str) -> str:
        allowed = ("valid", "same", *more)
        name = padding.lower() if isinstance(padding, str) else padding
        if name not in allowed:
            raise self._refusal_("padding", padding, " or ".join(map(repr, allowed)))
        return name

    @property
    def _channel_axis_(self) -> int:
        return -1 if self.data_format == "channels_last" else 1

    @property
    def _spatial_axes_(self) -> tuple[int, ...]:
        first = 1 if self.data_format == "channels_last" else 2
        return tuple(range(first, first + self.rank))

    def _spatial_(self, input_shape: Any) -> list[int | None]:
        """The sizes along the spatial axes."""
        if len(input_shape) != self.rank + 2:
            raise ShapeError(
                f"{self._where_()} takes inputs with {self.rank} spatial axes.",
                expected=f"rank {self.rank + 2}",
                received=tuple(input_shape),
            )
        return [input_shape[axis] for axis in self._spatial_axes_]

    def _shaped_(self, input_shape: Any, spatial: Any, channels: int | None) -> Shape:
        """The input's batch with new spatial sizes and channels, in the layer's data format."""
        if any(size is not None and size <= 0 for size in spatial):
            raise ShapeError(
                f"{self._where_()} would leave nothing of its input.",
                expected="spatial axes at least as long as the window",
                received=tuple(input_shape),
                fix="use padding='same', a smaller window, or a larger input" if hasattr(self, "padding") else None,
            )
        batch = input_shape[0]
        return (batch, *spatial, channels) if self.data_format == "channels_last" else (batch, channels, *spatial)
