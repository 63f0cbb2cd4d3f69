"""Which arguments of an op belong to its call, and which to its config.

Keras records `sum(x, axis=-1)` as an op `Sum` made with `axis=-1` and called on `x`.
Arguments of the same name are on the same side for nearly all ops.
"""

from __future__ import annotations

_NAMES = """
    a abs_ angle array axes_lengths beta bias branches choicelist condition condlist constant_values coordinates data
    default depthwise_kernel elements elems end_points f false_fn fun gamma image1 image2 images index indices init
    init_val inputs kernel key loop_vars mask mean operands output output_length output_shape pattern pointwise_kernel
    pred predictions primals q query scale segment_ids sequence_lengths sorted_sequence start start_indices start_points
    step stop tangents target target_length targets tensor transform translation true_fn updates value values variable
    variance x x1 x2 xs y"""
_OF_CALLS = frozenset(_NAMES.split())
_ALSO_OF_CALLS = {
    "Average": {"weights"},
    "BatchNorm": {"offset"},
    "Digitize": {"bins"},
    "Full": {"fill_value"},
    "FullLike": {"fill_value"},
    "Isclose": {"rtol", "atol"},
    "Lstsq": {"b"},
    "Solve": {"b"},
    "SolveTriangular": {"b"},
}
_OF_CONFIGS = {"Trapezoid": {"x"}}


def belongs_to_call(op: str, argument: str) -> bool:
    """Whether an op's argument goes with each call.

    Example: >>> from lamella.graph.op_arguments import belongs_to_call
             >>> belongs_to_call("Sum", "x"), belongs_to_call("Sum", "axis")
             (True, False)
    """
    if argument in _OF_CONFIGS.get(op, ()):
        return False
    return argument in _OF_CALLS or argument in _ALSO_OF_CALLS.get(op, ())
