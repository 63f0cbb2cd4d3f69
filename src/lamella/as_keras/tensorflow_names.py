"""What the stand-in for TensorFlow serves, and what it advises for the rest.

Served is what keras programs use beside `tf.keras`, and what `keras.ops` computes as TensorFlow does: no graphs, no
gradients, no data pipelines.
"""

from __future__ import annotations

from lamella.errors import unknown

VERSION = "2.21.0+lamella"  # programs print it, and compare it with 2

_OURS = "lamella.as_keras.tensorflow_functions"

# keras.ops's name, "=" TensorFlow's where it is another one.
_ALIKE = """
    abs add cos cumsum divide equal exp floor greater greater_equal less less_equal maximum minimum multiply not_equal
    power=pow round sigmoid sign sin sqrt square subtract tanh prod=reduce_prod sum=reduce_sum mean=reduce_mean
    max=reduce_max min=reduce_min all=reduce_all any=reduce_any logsumexp=reduce_logsumexp
"""
_OPS = """
    argsort broadcast_to cast einsum expand_dims eye logical_and logical_not logical_or meshgrid ones ones_like repeat
    reshape squeeze stack stop_gradient tensordot tile unstack where zeros zeros_like
"""
_MATH = """
    arccos=acos arcsin=asin arctan=atan ceil cosh erf expm1 floor_divide=floordiv log log1p mod std=reduce_std
    var=reduce_variance rsqrt sinh softplus tan top_k isnan=is_nan isinf=is_inf isfinite=is_finite logical_and
    logical_not logical_or
"""
_ACTIVATIONS = "elu gelu log_softmax relu relu6 selu sigmoid silu silu=swish softmax softplus softsign tanh"


def _renamed(words: str, prefix: str = "", module: str = "lamella.ops") -> dict[str, str]:
    """{TensorFlow's name: "module:name"}, from "ours=theirs", or one name for both."""
    pairs = (word.partition("=") for word in words.split())
    return {prefix + (theirs or ours): f"{module}:{ours}" for ours, _, theirs in pairs}


def _written(words: str) -> dict[str, str]:
    """{TensorFlow's name: our function for it}; "random.normal" is `random_normal`."""
    return {word: f"{_OURS}:{word.replace('.', '_')}" for word in words.split()}


SERVED = {
    **_renamed(_ALIKE),
    **_renamed(_OPS),
    **_renamed(_ALIKE, "math."),
    **_renamed(_MATH, "math."),
    **_renamed(_ACTIVATIONS, "nn.", "lamella.activations"),
    "nn.top_k": "lamella.ops:top_k",
    **_written(
        """
        argmax argmin clip_by_value concat constant convert_to_tensor executing_eagerly fill function gather get_logger
        identity is_tensor linspace matmul norm one_hot pad range rank reverse shape size sort split transpose
        math.argmax math.argmin math.l2_normalize math.squared_difference
        nn.depth_to_space nn.dropout nn.l2_normalize nn.leaky_relu nn.moments nn.space_to_depth
        random.normal random.set_seed random.shuffle random.truncated_normal random.uniform
        config.list_physical_devices config.list_logical_devices config.experimental.list_physical_devices
        config.experimental.set_memory_growth config.run_functions_eagerly
        test.is_gpu_available test.gpu_device_name test.is_built_with_cuda
        autograph.set_verbosity logging.set_verbosity
        image.resize Variable
        """
    ),
    **{name: f"{_OURS}:{name}" for name in ("float16", "float32", "float64", "bfloat16", "bool", "string")},
    **{name: f"{_OURS}:{name}" for name in ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")},
    "Tensor": "jax:Array",
    "data.AUTOTUNE": f"{_OURS}:AUTOTUNE",
    "data.experimental.AUTOTUNE": f"{_OURS}:AUTOTUNE",
    "logging.ERROR": f"{_OURS}:ERROR",
    "set_random_seed": f"{_OURS}:random_set_seed",
    "losses": "keras:losses",
    "metrics": "keras:metrics",
    "optimizers": "keras:optimizers",
    "initializers": "keras:initializers",
}

# Modules of the stand-in.
PARTS = {path.rpartition(".")[0] for path in SERVED if "." in path} | {
    *(
        "compat",
        "compat.v1",
        "compat.v2",
        "python",
        "io",
        "io.gfile",
        "summary",
        "train",
        "linalg",
        "signal",
        "strings",
    ),
    *("saved_model", "lite", "distribute", "feature_column", "errors", "debugging", "profiler", "experimental"),
}

# What serves in place of what is not there: the longest path that fits.
ADVICE = {
    "GradientTape": (
        "train with model.fit, or take gradients with lamella.value_and_grad(function)(model, …); a train_step of "
        "one's own may return super().train_step(data), and change compute_loss"
    ),
    "gradients": "lamella.value_and_grad(function)(model, …) gives gradients",
    "data": "fit takes NumPy arrays, generators and keras.utils.PyDataset in place of tf.data.Dataset",
    "distribute": "keras.distribution spreads a model over devices; without it, drop the strategy's scope",
    "estimator": "estimators are gone; a keras.Model has fit, evaluate and predict",
    "feature_column": "keras.utils.FeatureSpace takes the place of feature columns",
    "image": "keras.ops.image and keras.layers (RandomFlip, Resizing …) work on images",
    "io": "keras.utils (load_img, get_file …), open() and NumPy read files",
    "keras": "tf.keras is Lamella",
    "layers": "keras.layers takes the place of tf.layers",
    "linalg": "keras.ops.linalg",
    "lite": "model.export(path, format=…) writes other formats",
    "nn": "keras.ops and keras.ops.nn compute this, or a layer of keras.layers does",
    "placeholder": "keras.Input takes the place of placeholders",
    "python": "tensorflow.python is private to TensorFlow",
    "random": "keras.random draws numbers",
    "saved_model": "model.save(path.keras), and model.export(path) for serving",
    "Session": "sessions are gone: Lamella computes at once",
    "summary": "keras.callbacks.TensorBoard writes what TensorBoard shows",
    "train.Checkpoint": "model.save_weights and keras.callbacks.ModelCheckpoint",
    "train": "keras.optimizers and keras.callbacks.ModelCheckpoint",
    "TensorSpec": "keras.InputSpec and keras.KerasTensor describe tensors",
    "RaggedTensor": "pad sequences with keras.utils.pad_sequences, and mask them",
    "SparseTensor": "Lamella computes with dense arrays",
}


def advice(path: str) -> str:
    """What serves in place of a name of TensorFlow that is not served."""
    parts = path.split(".")
    for depth in range(len(parts), 0, -1):
        if ".".join(parts[:depth]) in ADVICE:
            return ADVICE[".".join(parts[:depth])]
    near = str(unknown("function", path, SERVED).fix)
    return near if near.startswith("did you mean") else "use keras.ops or NumPy, or install TensorFlow"
