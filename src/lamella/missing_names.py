"""Names of Keras that are not here yet, each with what to use meanwhile.

A door whose room lacks some of Keras's names asks `missing_name` in its `__getattr__`, so that `module.Name` and
`from module import Name` both say more than "no attribute".
"""

from __future__ import annotations

import difflib
import sys

from lamella.errors import LamellaError, MissingAttributeError

_SHARDING = "shard arrays with jax.sharding; keras.distribution is planned"
_QUANTIZATION = "compute in bfloat16, keras.config.set_dtype_policy('mixed_bfloat16'); quantization is planned"
MISSING: dict[str, dict[str, str]] = {
    "lamella": {"Quantizer": _QUANTIZATION},
    "lamella.distribution": dict.fromkeys(
        (
            "DataParallel",
            "DeviceMesh",
            "LayoutMap",
            "ModelParallel",
            "TensorLayout",
            "distribute_tensor",
            "distribution",
            "get_device_count",
            "initialize",
            "list_devices",
            "set_distribution",
        ),
        _SHARDING,
    ),
    "lamella.export": {"ExportArchive": "model.export(path) writes what TensorFlow or ONNX reads"},
    "lamella.layers": {
        "TFSMLayer": "load the model's .keras or .h5 file; a SavedModel runs on TensorFlow only, in Keras too",
        "TorchModuleWrapper": "write the layer with lamella.ops and load the weights; JAX cannot train a torch module",
    },
    "lamella.quantizers": dict.fromkeys(
        (
            "AWQConfig",
            "AbsMaxQuantizer",
            "Float8QuantizationConfig",
            "GPTQConfig",
            "Int4QuantizationConfig",
            "Int8QuantizationConfig",
            "QuantizationConfig",
            "Quantizer",
            "abs_max_quantize",
            "abs_max_quantize_grouped_with_zero_point",
            "compute_float8_amax_history",
            "compute_float8_scale",
            "deserialize",
            "fake_quant_with_min_max_vars",
            "get",
            "pack_int4",
            "quantize_and_dequantize",
            "serialize",
            "unpack_int4",
        ),
        _QUANTIZATION,
    ),
}
"""For each module, the names that Keras has there and we do not have, with the way around."""


class MissingImportError(LamellaError, ImportError):
    """A name cannot be imported from a module."""


def missing_name(module: str, name: str) -> LamellaError:
    """The error for a name that a module does not have.

    An import statement swallows an AttributeError and its text, so a name of the table gets an ImportError there.

    Args: module: the door that was asked, such as "lamella.layers".
    """
    if (way := MISSING.get(module, {}).get(name)) is None:
        names = [] if name.startswith("_") else getattr(sys.modules.get(module), "__all__", ())
        close = difflib.get_close_matches(name, names, n=2, cutoff=0.75)
        fix = f"did you mean {' or '.join(map(repr, close))}?" if close else None
        return MissingAttributeError(f"module {module!r} has no attribute {name!r}", fix=fix)
    importing = sys._getframe(2).f_globals.get("__name__") == "importlib._bootstrap"
    return (MissingImportError if importing else MissingAttributeError)(
        f"{module}.{name} is in Keras and not in Lamella yet.", fix=way
    )
