"""How operations are computed on the device at hand."""

from lamella.lower import threefry
from lamella.lower.convolution import conv, conv_transpose, depthwise_conv, spatial, transposed_padding
from lamella.lower.pooling import adaptive_pool, average_pool, max_pool
from lamella.lower.portable import portable

__all__ = [
    "adaptive_pool",
    "average_pool",
    "conv",
    "conv_transpose",
    "depthwise_conv",
    "max_pool",
    "portable",
    "spatial",
    "threefry",
    "transposed_padding",
]
