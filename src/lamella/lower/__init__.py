"""How operations are computed on the device at hand."""

from lamella.lower import by_cpu, threefry
from lamella.lower.allocator import give_back_memory, keep_memory
from lamella.lower.compile_cache import keep_compiled
from lamella.lower.convolution import conv, conv_transpose, depthwise_conv, spatial, transposed_padding
from lamella.lower.dispatch import at_hand, compute_at_once
from lamella.lower.loops import calls_the_host, is_fast_in_a_loop
from lamella.lower.pooling import adaptive_pool, average_pool, max_pool
from lamella.lower.portable import portable
from lamella.lower.product import matmul
from lamella.lower.programs import compiled

__all__ = [
    "adaptive_pool",
    "at_hand",
    "average_pool",
    "by_cpu",
    "calls_the_host",
    "compiled",
    "compute_at_once",
    "conv",
    "conv_transpose",
    "depthwise_conv",
    "give_back_memory",
    "is_fast_in_a_loop",
    "keep_compiled",
    "keep_memory",
    "matmul",
    "max_pool",
    "portable",
    "spatial",
    "threefry",
    "transposed_padding",
]

keep_memory()  # now: neither has an effect once JAX has started its threads
compute_at_once()
