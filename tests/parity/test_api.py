"""Keras's public names and signatures: what it has, we have, but for `lamella.missing_names`."""

import importlib
import inspect
import pkgutil
import subprocess
import sys
import types

import keras
import pytest

import lamella
from lamella.missing_names import MISSING


def namespaces():
    """Every public module of the installed Keras, found by walking it: "layers", "optimizers.schedules" …"""
    found, open_packages = [""], [("keras.", keras.__path__)]
    while open_packages:
        prefix, path = open_packages.pop()
        for module in pkgutil.iter_modules(path, prefix):
            name = module.name.removeprefix("keras.")
            if name in ("src", "_tf_keras"):  # to import all of `src` would put other backends into the one in use
                continue
            found.append(name)
            if module.ispkg:
                open_packages.append((f"{module.name}.", importlib.import_module(module.name).__path__))
    return sorted(found)


SPACES = namespaces()


# Signatures that differ on purpose: {name: reason}.
OTHER_SIGNATURE: dict[str, str] = {
    "layers.Conv3DTranspose": "Keras has output_padding after data_format here only; ours takes both in its order",
    "layers.Convolution3DTranspose": "the same layer",
}


def public(space):
    module = importlib.import_module(f"keras.{space}".rstrip("."))
    return {n: v for n, v in vars(module).items() if not n.startswith("_") and not isinstance(v, types.ModuleType)}


def ours(space):
    return importlib.import_module(f"lamella.{space}".rstrip("."))


def test_the_namespaces_are_all_there():
    assert {"", "layers", "ops.linalg", "wrappers", "distribution", "utils.legacy"} <= set(SPACES)
    for space in SPACES:
        ours(space)


@pytest.mark.parametrize("space", SPACES)
def test_names(space):
    missing = {name for name in public(space) if not hasattr(ours(space), name)}
    assert missing == set(MISSING.get(ours(space).__name__, {}))


@pytest.mark.parametrize("module, name", [(module, name) for module, names in MISSING.items() for name in names])
def test_a_missing_name_says_what_to_use(module, name):
    with pytest.raises(AttributeError, match="not in Lamella yet") as attribute:
        getattr(importlib.import_module(module), name)
    with pytest.raises(ImportError, match="not in Lamella yet") as imported:
        exec(f"from {module} import {name}")
    assert MISSING[module][name] in str(attribute.value)
    assert MISSING[module][name] in str(imported.value)


def test_a_name_that_keras_has_not_is_a_plain_mistake():
    with pytest.raises(AttributeError, match=r"(?s)has no attribute 'Dens'.*did you mean 'Dense'"):
        lamella.layers.Dens
    with pytest.raises(ImportError, match="cannot import name 'Dens'"):
        from lamella.layers import Dens  # noqa: F401


def test_importing_lamella_imports_no_room():
    code = "import lamella, sys; print([m for m in sys.modules if m.split('.')[0] in ('lamella', 'jax', 'sklearn')])"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "['lamella']"


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
