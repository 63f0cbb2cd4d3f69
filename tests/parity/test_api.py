"""Keras's public names and signatures: what it has, we have, but for the list of what is to come."""

import importlib
import inspect
import types

import pytest

SPACES = [
    "activations",
    "applications",
    "applications.mobilenet_v2",
    "applications.resnet",
    "applications.resnet50",
    "backend",
    "callbacks",
    "config",
    "constraints",
    "datasets",
    "dtype_policies",
    "initializers",
    "layers",
    "losses",
    "metrics",
    "mixed_precision",
    "models",
    "ops",
    "optimizers",
    "optimizers.schedules",
    "random",
    "regularizers",
    "saving",
    "tree",
    "utils",
]

# Names that Keras has and we do not have yet.
NOT_YET: dict[str, set[str]] = {
    "applications": {
        "EfficientNetV2B0",
        "EfficientNetV2B1",
        "EfficientNetV2B2",
        "EfficientNetV2B3",
        "EfficientNetV2L",
        "EfficientNetV2M",
        "EfficientNetV2S",
        "InceptionResNetV2",
        "MobileNetV3Large",
        "MobileNetV3Small",
        "NASNetLarge",
        "NASNetMobile",
    },
    "callbacks": {"TensorBoard"},
    "layers": {
        "AugMix",
        "AutoContrast",
        "ContrastLimitedAdaptiveHistogramEqualization",
        "ConvLSTM1D",
        "ConvLSTM2D",
        "ConvLSTM3D",
        "CutMix",
        "Equalization",
        "FlaxLayer",
        "JaxLayer",
        "MaxNumBoundingBoxes",
        "MelSpectrogram",
        "MixUp",
        "Pipeline",
        "RandAugment",
        "RandomColorDegeneration",
        "RandomColorJitter",
        "RandomElasticTransform",
        "RandomErasing",
        "RandomGaussianBlur",
        "RandomGrayscale",
        "RandomHue",
        "RandomInvert",
        "RandomPerspective",
        "RandomPosterization",
        "RandomSaturation",
        "RandomSharpness",
        "RandomShear",
        "STFTSpectrogram",
        "Solarization",
        "TFSMLayer",
        "TorchModuleWrapper",
    },
    "utils": {"FeatureSpace", "audio_dataset_from_directory"},
}

# Signatures that differ on purpose: {name: reason}.
OTHER_SIGNATURE: dict[str, str] = {
    "layers.Conv3DTranspose": "Keras has output_padding after data_format here only; ours takes both in its order",
    "layers.Convolution3DTranspose": "the same layer",
}


def public(space):
    module = importlib.import_module(f"keras.{space}")
    return {n: v for n, v in vars(module).items() if not n.startswith("_") and not isinstance(v, types.ModuleType)}


def ours(space):
    return importlib.import_module(f"lamella.{space}")


@pytest.mark.parametrize("space", SPACES)
def test_names(space):
    missing = {name for name in public(space) if not hasattr(ours(space), name)}
    assert missing == NOT_YET.get(space, set())


def parameters(thing):
    target = thing.__init__ if inspect.isclass(thing) else thing
    try:
        found = list(inspect.signature(target).parameters.values())
    except (TypeError, ValueError):
        return None
    return [(p.name, p.default) for p in found if p.name not in ("self", "kwargs", "args")]


def plain(default):
    """A default to compare; a window of equal numbers is that number."""
    while isinstance(default, tuple) and default and len(set(default)) == 1:
        default = default[0]
    return default if isinstance(default, (str, int, float, bool, tuple, type(None))) else "…"


CASES = [
    (space, name) for space in SPACES for name in sorted(public(space)) if space not in ("backend", "config", "tree")
]


@pytest.mark.parametrize("space, name", CASES, ids=lambda v: v)
def test_signature(space, name):
    if f"{space}.{name}" in OTHER_SIGNATURE or not hasattr(ours(space), name):
        pytest.skip("told elsewhere")
    theirs, mine = parameters(public(space)[name]), parameters(getattr(ours(space), name))
    if theirs is None or mine is None:
        return
    wanted = [n for n, _ in theirs]
    assert [n for n, _ in mine if n in wanted] == wanted, (mine, theirs)
    known = dict(mine)
    for parameter, default in theirs:
        assert plain(known[parameter]) == plain(default), parameter
