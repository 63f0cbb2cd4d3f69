"""Keras's public names and signatures: what it has, we have, but for the list of what is to come."""

import importlib
import inspect
import types

import pytest

SPACES = [
    "activations",
    "applications",
    "applications.convnext",
    "applications.densenet",
    "applications.efficientnet",
    "applications.efficientnet_v2",
    "applications.imagenet_utils",
    "applications.inception_resnet_v2",
    "applications.inception_v3",
    "applications.mobilenet",
    "applications.mobilenet_v2",
    "applications.mobilenet_v3",
    "applications.nasnet",
    "applications.resnet",
    "applications.resnet50",
    "applications.resnet_v2",
    "applications.vgg16",
    "applications.vgg19",
    "applications.xception",
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
    "utils.bounding_boxes",
]

# Names that Keras has and we do not have yet.
NOT_YET: dict[str, set[str]] = {
    "layers": {
        "TFSMLayer",  # runs a TensorFlow SavedModel; Keras on JAX refuses it too
        "TorchModuleWrapper",  # its weights are Torch's, which JAX can neither trace nor train; Keras refuses it too
    },
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
