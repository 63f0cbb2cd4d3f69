"""Every op against Keras on its JAX backend: values, dtypes, symbolic shapes, names in graphs."""

import jax
import keras
import numpy as np
import pytest

import lamella
from lamella.graph import KerasTensor, any_symbolic

R = np.random.default_rng(0)
F = R.normal(size=(2, 3)).astype("float32")
G = R.normal(size=(2, 3)).astype("float32")
U = R.uniform(0.1, 0.9, size=(2, 3)).astype("float32")
N = np.array([[1.0, np.nan, 3.0], [np.nan, 2.0, -1.0]], "float32")
I = np.array([[1, 5, 3], [4, 0, 2]], "int32")  # noqa: E741
J = np.array([[2, 3, 1], [3, 2, 4]], "int32")
B = np.array([[True, False, True], [False, False, True]])
V = np.array([3.0, -1.0, 2.0], "float32")
S = np.array([[4.0, 1.0], [1.0, 3.0]], "float32")
C = np.array([1 + 2j, -3j], "complex64")
H = F.astype("float16")
IMG = R.uniform(size=(2, 6, 8, 3)).astype("float32")
SEQ = R.normal(size=(2, 7, 4)).astype("float32")
T3 = R.normal(size=(2, 3, 4)).astype("float32")
WAVE = R.normal(size=(2, 32)).astype("float32")
Q = R.normal(size=(2, 5, 2, 4)).astype("float32")


def case(name, *args, **kwargs):
    shown = [v if isinstance(v, (int, str, float, bool, tuple)) else getattr(v, "dtype", "") for v in args]
    return pytest.param(name, args, kwargs, id=f"{name}-{shown}-{kwargs}"[:90].replace("array", "a"))


FLOAT_UNARY = [
    "sin",
    "cos",
    "tan",
    "sinh",
    "cosh",
    "tanh",
    "arcsinh",
    "arctan",
    "sinc",
    "deg2rad",
    "rad2deg",
    "exp",
    "exp2",
    "expm1",
    "cbrt",
    "square",
    "absolute",
    "abs",
    "negative",
    "sign",
    "signbit",
    "ceil",
    "floor",
    "round",
    "trunc",
    "fabs",
    "isfinite",
    "isinf",
    "isnan",
    "isneginf",
    "isposinf",
    "isreal",
    "logical_not",
    "copy",
    "real",
    "imag",
    "conjugate",
    "conj",
    "angle",
    "i0",
    "reciprocal",
    "ravel",
    "fliplr",
    "flipud",
    "nan_to_num",
    "erf",
    "erfc",
    "relu",
    "relu6",
    "sigmoid",
    "sparse_sigmoid",
    "hard_sigmoid",
    "log_sigmoid",
    "silu",
    "hard_silu",
    "tanh_shrink",
    "hard_tanh",
    "softplus",
    "sparse_plus",
    "softsign",
    "selu",
    "elu",
    "celu",
    "gelu",
    "leaky_relu",
    "squareplus",
    "soft_shrink",
    "hard_shrink",
    "softmax",
    "log_softmax",
    "sparsemax",
    "zeros_like",
    "ones_like",
    "swish",
    "hard_swish",
    "logsumexp",
    "normalize",
    "stop_gradient",
    "convert_to_tensor",
]
POSITIVE_UNARY = ["log", "log10", "log1p", "log2", "sqrt", "rsqrt", "arcsin", "arccos", "arctanh", "erfinv"]
BINARY = [
    "add",
    "subtract",
    "multiply",
    "divide",
    "true_divide",
    "divide_no_nan",
    "maximum",
    "minimum",
    "fmax",
    "fmin",
    "equal",
    "not_equal",
    "less",
    "less_equal",
    "greater",
    "greater_equal",
    "arctan2",
    "logaddexp",
    "logaddexp2",
    "hypot",
    "heaviside",
    "nextafter",
    "isclose",
    "allclose",
    "append",
    "logical_and",
    "logical_or",
    "logical_xor",
    "mod",
    "fmod",
    "floor_divide",
]
INT_BINARY = [
    "gcd",
    "lcm",
    "bitwise_and",
    "bitwise_or",
    "bitwise_xor",
    "left_shift",
    "right_shift",
    "bitwise_left_shift",
    "bitwise_right_shift",
    "power",
    "floor_divide",
    "mod",
    "add",
    "multiply",
    "divide",
    "maximum",
    "equal",
    "isin",
    "ldexp",
]
REDUCTIONS = [
    "sum",
    "mean",
    "var",
    "std",
    "median",
    "max",
    "min",
    "amax",
    "amin",
    "argmax",
    "argmin",
    "ptp",
    "prod",
    "all",
    "any",
    "count_nonzero",
    "cumsum",
    "cumprod",
]
NAN = [
    "nansum",
    "nanprod",
    "nanmean",
    "nanvar",
    "nanstd",
    "nanmedian",
    "nanmax",
    "nanmin",
    "nanargmax",
    "nanargmin",
    "nancumsum",
    "nancumprod",
]

CASES = [
    *[case(name, F) for name in FLOAT_UNARY],
    *[case(name, U) for name in POSITIVE_UNARY],
    case("arccosh", U + 1),
    *[case(name, I) for name in ["sin", "exp", "sqrt", "floor", "ceil", "round", "trunc", "absolute", "sign", "square", "mean", "std", "var", "sum", "prod", "angle"]],
    *[case(name, H) for name in ["sin", "exp", "mean", "var", "sum", "std", "softmax", "logsumexp", "ceil"]],
    *[case(name, B) for name in ["sum", "mean", "exp", "logical_not", "all", "any", "max", "cumsum"]],
    *[case(name, C) for name in ["real", "imag", "conjugate", "angle", "absolute", "view_as_real"]],
    *[case(name, F, G) for name in BINARY],
    *[case(name, U, 2.0) for name in ["add", "subtract", "power", "maximum", "divide", "less"]],
    *[case(name, I, 2) for name in ["add", "power", "mod", "floor_divide", "divide", "left_shift"]],
    *[case(name, I, 2.5) for name in ["add", "multiply", "maximum"]],
    *[case(name, I, J) for name in INT_BINARY],
    *[case(name, F) for name in REDUCTIONS],
    *[case(name, F, axis=1) for name in REDUCTIONS],
    *[case(name, F, axis=-1, keepdims=True) for name in REDUCTIONS[:15]],
    *[case(name, N, axis=1) for name in NAN],
    case("sum", T3, axis=(0, 2)),
    case("mean", T3, axis=[0, 2]),
    case("average", F, axis=1, weights=V),
    case("average", I),
    case("quantile", F, 0.3, axis=1),
    case("quantile", F, np.array([0.2, 0.5], "float32"), keepdims=True),
    case("percentile", F, 30.0),
    case("nanquantile", N, 0.3, axis=1),
    case("nanpercentile", N, 30.0, axis=0),
    case("logsumexp", F, axis=0, keepdims=True),
    case("diff", F),
    case("trapezoid", F, dx=0.5),
    case("clip", F, -0.5, 0.5),
    case("clip", B, 0, 1),
    case("round", I * 10 + 7, -1),
    case("round", F, 1),
    case("view", F, "int32"),
    case("bitwise_not", I),
    case("bitwise_invert", I),
    # creation
    case("zeros", (2, 3)),
    case("ones", (2,), "int32"),
    case("full", (2, 2), 7),
    case("full_like", F, 2),
    case("empty_like", F),
    case("array", [[1, 2]]),
    case("array", [1.5], "float16"),
    case("arange", 5),
    case("arange", 1, 7, 2),
    case("arange", 0.0, 1.0, 0.25),
    case("arange", 3, dtype="float32"),
    case("eye", 3, 4, 1),
    case("identity", 3),
    case("tri", 3, 2, -1),
    case("linspace", 0, 5, 4),
    case("linspace", V, V + 1, 3, axis=1),
    case("logspace", 0, 2, 5),
    case("geomspace", 1, 100, 3),
    case("meshgrid", V, V[:2]),
    case("meshgrid", V, V[:2], indexing="ij"),
    case("vander", V, 4),
    *[case(name, 5) for name in ["bartlett", "blackman", "hamming", "hanning"]],
    case("kaiser", 5, 2.0),
    # shape
    case("reshape", F, (3, -1)),
    case("reshape", F, -1),
    case("transpose", T3),
    case("transpose", T3, (0, 2, 1)),
    case("moveaxis", T3, 0, -1),
    case("swapaxes", T3, 1, 2),
    case("expand_dims", F, 1),
    case("expand_dims", F, (0, 2)),
    case("squeeze", F[:, :1]),
    case("squeeze", F[:, :1], 1),
    case("broadcast_to", V, (2, 3)),
    case("flip", F, 1),
    case("rot90", F),
    case("roll", F, 1),
    case("roll", F, 1, 1),
    case("concatenate", [F, G], 1),
    case("concatenate", [F, I], 0),
    case("stack", [F, G], -1),
    *[case(name, [F, G]) for name in ["hstack", "vstack", "dstack"]],
    case("split", T3, 2, 2),
    case("split", F, [1], 1),
    case("array_split", V, 2),
    case("hsplit", T3, 3),
    case("vsplit", T3, 2),
    case("dsplit", T3, 2),
    case("repeat", F, 2, 1),
    case("repeat", F, 2),
    case("tile", F, (2, 1)),
    case("pad", F, 1),
    case("pad", F, ((0, 1), (2, 0)), constant_values=3),
    case("pad", F, ((1, 1), (1, 1)), mode="reflect"),
    case("unstack", F, axis=1),
    # index
    case("get_item", F, (0, slice(1, None))),
    case("take", F, np.array([2, 0]), axis=1),
    case("take", F, 1),
    case("take_along_axis", F, np.array([[1], [0]]), axis=1),
    case("where", B, F, G),
    case("where", B, F, 0.0),
    case("select", [F > 1, F > 0], [F, G], 0.5),
    case("nonzero", I),
    case("diag", S),
    case("diag", V, 1),
    case("diagflat", V),
    case("diagonal", T3, 0, 1, 2),
    case("tril", F),
    case("triu", F, 1),
    case("unravel_index", np.array([1, 5]), (2, 3)),
    case("digitize", F, np.array([-1.0, 0.0, 1.0], "float32")),
    case("searchsorted", np.array([1.0, 2.0, 3.0], "float32"), V),
    case("searchsorted", np.array([1.0, 2.0, 3.0], "float32"), V, side="right"),
    case("sort", F),
    case("sort", F, 0),
    case("argsort", F),
    case("argpartition", V, 1),
    case("unique", I),
    case("unique", J, return_inverse=True, return_counts=True),
    case("unique", J, size=5, fill_value=-1),
    case("bincount", J[0]),
    case("bincount", J - [[0], [1]]),
    case("bincount", J[0], weights=V, minlength=6),
    case("histogram", V, 4),
    case("histogram", V, 4, (0.0, 4.0)),
    # linear
    case("matmul", F, G.T),
    case("matmul", I.astype("int8"), J.T.astype("int8")),
    case("dot", F, V),
    case("vdot", F, G),
    case("inner", F, G),
    case("outer", V, V),
    case("kron", F, S),
    case("corrcoef", F),
    case("einsum", "ij,kj->ik", F, G),
    case("tensordot", T3, T3, axes=([1, 2], [1, 2])),
    case("cross", F, G),
    case("correlate", V, V[:2]),
    case("correlate", V, V, "full"),
    case("trace", S),
    case("slogdet", S),
    case("logdet", S),
    # linalg
    case("cholesky", S),
    case("cholesky", S, upper=True),
    case("cholesky_inverse", np.linalg.cholesky(S)),
    case("det", S),
    case("eigh", S),
    case("inv", S),
    case("lu_factor", S),
    case("norm", F),
    case("norm", F, 1, 1),
    case("norm", I, "fro"),
    case("qr", F),
    case("qr", F, "complete"),
    case("solve", S, V[:2]),
    case("solve", S, F),
    case("solve_triangular", np.tril(S), F, lower=True),
    case("svd", F),
    case("svd", F, compute_uv=False),
    case("lstsq", F.T, V),
    case("pinv", F),
    case("matrix_rank", S),
    # core and math
    case("cast", F, "int32"),
    case("cast", I, "float16"),
    case("cast", F, "bool"),
    case("saturate_cast", F * 200, "uint8"),
    case("saturate_cast", F * 1e6, "float16"),
    case("saturate_cast", I * 1000, "int8"),
    case("saturate_cast", F * 1e10, "int32"),
    case("slice", F, (0, 1), (2, 2)),
    case("slice_update", F, (0, 1), G[:, :2]),
    case("scatter", np.array([[0], [2]]), V[:2], (4,)),
    *[case("scatter_update", F, np.array([[0, 1], [1, 2]]), V[:2], r) for r in (None, "add", "max", "min", "mul")],
    case("top_k", F, 2),
    case("in_top_k", np.array([0, 2]), F, 2),
    case("cdist", F, G),
    case("view_as_complex", F[:, :2]),
    case("segment_sum", F, np.array([1, 1]), 3),
    case("segment_max", F, np.array([0, 1]), 2),
    case("segment_min", F, np.array([0, 1]), 2),
    case("segment_prod", F, np.array([0, 0]), 1),
    case("fft", (F, G)),
    case("fft2", (F, G)),
    case("ifft2", (F, G)),
    case("rfft", WAVE),
    case("rfft", WAVE, 16),
    case("irfft", (F, G)),
    case("irfft", (F, G), 6),
    case("extract_sequences", WAVE, 8, 5),
    case("stft", WAVE, 8, 4, 8),
    case("stft", WAVE, 6, 3, 10, window="hamming", center=False),
    case("stft", WAVE, 6, 3, 8, window=None),
    case("istft", (R.normal(size=(2, 9, 5)).astype("float32"), R.normal(size=(2, 9, 5)).astype("float32")), 8, 4, 8),
    case("istft", (R.normal(size=(9, 5)).astype("float32"), np.zeros((9, 5), "float32")), 6, 3, 8, length=20),
    case("rearrange", IMG, "b (h p) w c -> b h w (p c)", p=2),
    # nn
    case("glu", T3),
    case("gelu", F, False),
    case("softmax", T3, (1, 2)),
    case("log_softmax", T3, 1),
    case("sparsemax", F * 2),
    case("threshold", F, 0.1, -7.0),
    case("one_hot", I, 6),
    case("one_hot", J[0], 5, axis=0, dtype="int32"),
    case("multi_hot", I, 6),
    case("multi_hot", J[0], 5),
    case("categorical_crossentropy", U, U[::-1].copy()),
    case("categorical_crossentropy", U, F, from_logits=True),
    case("sparse_categorical_crossentropy", np.array([0, 2]), U),
    case("sparse_categorical_crossentropy", np.array([[0], [2]]), F, from_logits=True),
    case("binary_crossentropy", U, U[::-1].copy()),
    case("binary_crossentropy", U, F, from_logits=True),
    case("moments", T3, [0, 1]),
    case("moments", H, 1, keepdims=True),
    case("batch_normalization", F, V, U[0], -1, offset=V, scale=U[1]),
    case("batch_normalization", T3, V, U[0], 1),
    case("layer_normalization", T3),
    case("layer_normalization", T3, T3[0, 0], T3[0, 1]),
    case("layer_normalization", T3, T3[0], T3[1], axis=[1, 2]),
    case("layer_normalization", H),
    case("rms_normalization", T3, T3[0, 0]),
    case("rms_normalization", T3, axis=(1, 2)),
    case("normalize", F, order=3),
    case("psnr", F, G, 2.0),
    case("polar", U, F),
    case("dot_product_attention", Q, Q + 1, Q - 1),
    case("dot_product_attention", Q, Q, Q, bias=np.ones((1, 2, 5, 5), "float32"), is_causal=True, scale=0.3),
    case("dot_product_attention", Q, Q, Q, mask=np.tril(np.ones((2, 1, 5, 5), bool))),
    case("depth_to_space", R.normal(size=(1, 2, 3, 8)).astype("float32"), 2),
    case("depth_to_space", R.normal(size=(1, 8, 2, 3)).astype("float32"), 2, "channels_first"),
    case("space_to_depth", IMG, 2),
    case("space_to_depth", R.normal(size=(1, 2, 4, 6)).astype("float32"), 2, "channels_first"),
    case("unfold", IMG, (2, 3), 1, 1, 2),
    case("fold", R.normal(size=(1, 8, 12)).astype("float32"), (4, 5), 2),
    case("fold", R.normal(size=(1, 8, 6)).astype("float32"), (4, 6), 2, padding=1, stride=(3, 3), dilation=1),
    case("ctc_loss", np.array([[1, 2, 0], [3, 3, 1]]), SEQ, np.array([2, 3]), np.array([5, 7])),
    case("ctc_decode", SEQ, np.array([5, 7])),
    case("ctc_decode", SEQ, np.array([5, 7]), "greedy", merge_repeated=False, mask_index=3),
    case("ctc_decode", SEQ, np.array([5, 7]), "beam_search", beam_width=6, top_paths=3),
    case("image.rgb_to_grayscale", IMG),
    case("image.rgb_to_grayscale", (IMG[0] * 255).astype("uint8")),
    case("image.rgb_to_hsv", IMG),
    case("image.hsv_to_rgb", IMG.transpose(0, 3, 1, 2), "channels_first"),
    *[case("image.resize", IMG, (4, 5), m) for m in ("bilinear", "nearest", "bicubic", "lanczos3")],
    case("image.resize", IMG, (4, 4), antialias=True),
    case("image.resize", (IMG * 255).astype("uint8"), (9, 7)),
    case("image.resize", IMG, (3, 8), crop_to_aspect_ratio=True),
    case("image.resize", IMG, (8, 3), pad_to_aspect_ratio=True, fill_value=0.5),
    case("image.resize", IMG, (3, 9), pad_to_aspect_ratio=True),
    case("image.crop_images", IMG, 1, 2, target_height=3, target_width=4),
    case("image.crop_images", IMG, top_cropping=1, bottom_cropping=2, right_cropping=1, target_width=4),
    case("image.pad_images", IMG, 1, 2, target_height=9, target_width=12),
    case("image.pad_images", IMG[0], 1, 2, 0, 3, data_format="channels_first"),
    case("image.extract_patches", IMG, 2),
    case("image.extract_patches", IMG, (3, 2), strides=(1, 2), padding="same"),
    case("image.extract_patches_3d", IMG[..., None], 2),
    case("image.scale_and_translate", IMG, IMG.shape, np.array([1.2, 0.7], "float32"), np.array([0.5, 1.0], "float32"), (1, 2), "linear"),
    case("image.gaussian_blur", IMG, (3, 5), (1.0, 2.0), "channels_last"),
    case("image.sobel_edges", IMG),
    case("image.ssim", np.tile(IMG, (1, 2, 2, 1)), np.tile(IMG, (1, 2, 2, 1)) * 0.9),
    case("image.map_coordinates", F, R.uniform(0, 2, size=(2, 4)).astype("float32"), 1, "reflect"),
    *[
        case("image.affine_transform", IMG, np.array([1.0, 0.1, 0.4, -0.2, 0.9, 1.0, 0.0, 0.0], "float32")[None].repeat(2, 0), *how)
        for how in (("bilinear", "constant", 0.3), ("nearest", "wrap"), ("bilinear", "reflect", 0, "channels_first"))
    ],
    case(
        "image.perspective_transform",
        IMG,
        np.array([[[0.0, 0], [0, 5], [7, 0], [7, 5]]] * 2),
        np.array([[[1.0, 0], [0, 4], [6, 1], [7, 5]]] * 2),
    ),
    case("image.elastic_transform", IMG, 3.0, 1.0, seed=3),
]  # fmt: skip


def find(package, name):
    for part in name.split("."):
        package = getattr(package, part)
    return package


def arrays(outputs):
    return [np.asarray(leaf) for leaf in jax.tree.leaves(outputs)]


def assert_close(mine, theirs):
    assert len(mine) == len(theirs)
    for a, b in zip(mine, theirs, strict=True):
        assert a.dtype == b.dtype
        assert a.shape == b.shape
        near = 2e-3 if a.dtype == "float16" else 1e-5
        np.testing.assert_allclose(a, b, rtol=near, atol=near)


@pytest.mark.parametrize("name, args, kwargs", CASES)
def test_values_and_dtypes(name, args, kwargs):
    theirs = arrays(find(keras.ops, name)(*jax.tree.map(on_device, args), **kwargs))
    assert_close(arrays(find(lamella.ops, name)(*args, **kwargs)), theirs)


def on_device(leaf):
    """Keras's functions are tested with tensors; some take nothing else."""
    return jax.numpy.asarray(leaf) if isinstance(leaf, np.ndarray) else leaf


VALUES_NEEDED = {"nonzero", "unique", "bincount"}
NOT_RECORDED = {"zeros", "ones", "eye", "identity", "tri", "bartlett", "blackman", "hamming", "hanning", "kaiser"}


def symbolic(value, tensor):
    """The data arguments as symbolic tensors: float arrays, and integer ones that are no indices or counts."""

    def replace(leaf):
        data = isinstance(leaf, np.ndarray) and leaf.ndim > 0 and leaf.dtype != np.int64
        return tensor(leaf.shape, leaf.dtype.name) if data and leaf.dtype != "complex64" else leaf

    return jax.tree.map(replace, value)


@pytest.mark.parametrize("name, args, kwargs", [c for c in CASES if c.values[0] not in VALUES_NEEDED])
def test_symbolic_shape_and_name(name, args, kwargs):
    mine = symbolic(args, KerasTensor)
    if not any_symbolic(mine):
        pytest.skip("takes no tensors")
    outputs = jax.tree.leaves(find(lamella.ops, name)(*mine, **kwargs))
    real = arrays(find(lamella.ops, name)(*args, **kwargs))
    assert [(t.shape, t.dtype) for t in outputs] == [(a.shape, a.dtype.name) for a in real]
    try:
        theirs = jax.tree.leaves(find(keras.ops, name)(*symbolic(args, keras.KerasTensor), **kwargs))
    except Exception:
        return  # Keras cannot record this call
    if theirs and isinstance(theirs[0], keras.KerasTensor):
        assert type(outputs[0]._keras_history.operation).__name__ == type(theirs[0]._keras_history.operation).__name__


DATA = {"channels_last": IMG, "channels_first": IMG.transpose(0, 3, 1, 2).copy()}
CONVS = [
    {"strides": 1, "padding": "valid", "dilation_rate": 1},
    {"strides": 2, "padding": "same", "dilation_rate": 1},
    {"strides": 1, "padding": "same", "dilation_rate": 2},
    {"strides": (2, 1), "padding": "valid", "dilation_rate": 1},
]


@pytest.mark.parametrize("data_format", DATA)
@pytest.mark.parametrize("how", CONVS, ids=str)
@pytest.mark.parametrize(
    "name, kernels",
    [
        ("conv", [(3, 2, 3, 4)]),
        ("conv", [(3, 2, 1, 6)]),
        ("depthwise_conv", [(3, 2, 3, 2)]),
        ("separable_conv", [(2, 2, 3, 2), (1, 1, 6, 4)]),
        ("conv_transpose", [(3, 2, 4, 3)]),
    ],
)
def test_convolution(name, kernels, how, data_format):
    weights = [R.normal(size=shape).astype("float32") for shape in kernels]
    if name == "separable_conv" and how["strides"] == (2, 1):
        how = {**how, "strides": 2}
    call = dict(how, data_format=data_format)
    x = DATA[data_format]
    mine, theirs = getattr(lamella.ops, name)(x, *weights, **call), getattr(keras.ops, name)(x, *weights, **call)
    assert_close([np.asarray(mine) / 10], [np.asarray(theirs) / 10])
    assert getattr(lamella.ops, name)(KerasTensor(x.shape), *weights, **call).shape == mine.shape


@pytest.mark.parametrize("rank", [1, 3])
@pytest.mark.parametrize("output_padding", [None, 0, 1])
@pytest.mark.parametrize("padding", ["valid", "same"])
def test_transposed_convolution_sizes(rank, output_padding, padding):
    x = R.normal(size=(1, *(4,) * rank, 2)).astype("float32")
    kernel = R.normal(size=(*(3,) * rank, 1, 2)).astype("float32")
    call = {"strides": 2, "padding": padding, "output_padding": output_padding}
    mine, theirs = (package.ops.conv_transpose(x, kernel, **call) for package in (lamella, keras))
    assert_close([np.asarray(mine)], [np.asarray(theirs)])


@pytest.mark.parametrize("data_format", DATA)
@pytest.mark.parametrize(
    "how", [(2, None, "valid"), (3, 2, "same"), ((2, 3), (1, 2), "valid"), ((2, 3), (1, 1), "same")], ids=str
)
@pytest.mark.parametrize("name", ["max_pool", "average_pool"])
def test_pooling(name, how, data_format):
    x, (size, strides, padding) = DATA[data_format], how
    mine = getattr(lamella.ops, name)(x, size, strides, padding, data_format)
    theirs = getattr(keras.ops, name)(x, size, strides or size, padding, data_format)  # its strides=None breaks on JAX
    assert_close([np.asarray(mine)], [np.asarray(theirs)])


@pytest.mark.parametrize("data_format", DATA)
@pytest.mark.parametrize("size", [2, (4, 3), (6, 5)], ids=str)
@pytest.mark.parametrize("name", ["adaptive_max_pool", "adaptive_average_pool"])
def test_adaptive_pooling(name, size, data_format):
    x = DATA[data_format]
    mine, theirs = (getattr(package.ops, name)(x, size, data_format) for package in (lamella, keras))
    assert_close([np.asarray(mine)], [np.asarray(theirs)])


K = {shape: R.normal(size=shape).astype("float32") for shape in ((2, 2, 3, 1), (2, 2, 3, 2), (2, 2, 4, 3), (1, 1, 3, 4))}
GRADIENTS = [
    *[case(name, F) for name in "relu gelu silu softmax log_softmax sparsemax normalize var std logsumexp softplus".split()],
    case("max_pool", IMG, 2, 2, "same"),
    case("average_pool", IMG, 3, 2, "same"),
    case("average_pool", IMG, 2, 2),
    case("adaptive_average_pool", IMG, (4, 3)),
    case("conv", IMG, K[1, 1, 3, 4], 2),
    case("depthwise_conv", IMG, K[2, 2, 3, 1], 2, "same"),
    case("depthwise_conv", IMG, K[2, 2, 3, 2]),
    case("conv_transpose", IMG, K[2, 2, 4, 3], 2, "same"),
    case("batch_normalization", F, V, U[0], -1, V, U[1]),
    case("layer_normalization", T3, T3[0, 0], T3[0, 1]),
    case("rms_normalization", T3, T3[0, 0]),
    case("dot_product_attention", Q, Q, Q, is_causal=True),
    case("binary_crossentropy", U, F, from_logits=True),
    case("categorical_crossentropy", U, U),
    case("ctc_loss", np.array([[1, 2, 0], [3, 3, 1]]), SEQ, np.array([2, 3]), np.array([5, 7])),
    case("image.resize", IMG, (4, 5)),
    case("einsum", "ij,kj->ik", F, G),
]


@pytest.mark.parametrize("name, args, kwargs", GRADIENTS)
def test_gradients_inside_of_compiled_code(name, args, kwargs):
    places = [i for i, a in enumerate(args) if isinstance(a, np.ndarray) and a.dtype == np.float32]

    def gradients(package):
        def total(values):
            filled = list(args)
            for place, value in zip(places, values, strict=True):
                filled[place] = value
            out = find(package.ops, name)(*filled, **kwargs)
            return (out * jax.numpy.cos(jax.numpy.arange(out.size)).reshape(out.shape)).sum()

        return arrays(jax.jit(jax.grad(total))([jax.numpy.asarray(args[i]) for i in places]))

    for mine, theirs in zip(gradients(lamella), gradients(keras), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-4, atol=1e-4)


def test_the_namespace_is_that_of_keras():
    for place in ("ops", "ops.numpy", "ops.nn", "ops.image", "ops.linalg", "random", "activations", "tree"):
        theirs = {n for n in dir(find(keras, place)) if not n.startswith("_")}
        assert theirs <= set(find(lamella, place).__all__), place
