"""Every example in a docstring runs and prints what it says."""

import contextlib
import doctest
import importlib
import inspect
import io
import os
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import lamella

FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
HOOK = "lamella.as_keras"  # importing it makes `import keras` mean Lamella, in the whole process
SOURCE = Path(lamella.__file__).parent


def modules():
    """The names of all modules: those of the import hook in the process that is started for them, else the others."""
    paths = (path.relative_to(SOURCE.parent).with_suffix("") for path in SOURCE.rglob("*.py"))
    names = {".".join(path.parts).removesuffix(".__init__") for path in paths}
    hooked = os.environ.get("DOCSTRINGS_OF") == HOOK
    return sorted(name for name in names if name.startswith(HOOK) == hooked and name != "lamella.__main__")


MODULES = modules()


def documented(module):
    """(qualified name, docstring) of all that a module itself defines."""
    for name, thing in vars(module).items():
        thing = inspect.unwrap(thing) if callable(thing) else thing
        if getattr(thing, "__module__", None) != module.__name__ or not (
            inspect.isclass(thing) or inspect.isfunction(thing)
        ):
            continue
        yield f"{module.__name__}.{name}", thing.__doc__
        for key, member in vars(thing).items() if inspect.isclass(thing) else ():
            member = getattr(member, "__func__", getattr(member, "fget", member))
            if inspect.isfunction(member):
                yield f"{module.__name__}.{name}.{key}", member.__doc__


def namespace():
    from lamella import graph, layers, ops, state

    names = {"keras": lamella, "lamella": lamella, "np": np, "jax": jax, "jnp": jnp, "ops": ops}
    names |= {room: getattr(lamella, room) for room in ("activations", "random", "tree")}
    for room in (state, graph, layers):
        names |= {name: getattr(room, name) for name in room.__all__}
    model = lamella.Sequential([layers.Input((3,)), layers.Dense(2)])
    return names | {
        "Model": lamella.Model,
        "Sequential": lamella.Sequential,
        "model": model,
        "x": np.ones((2, 3), "float32"),
    }


@pytest.mark.parametrize("name", MODULES)
def test_examples(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    module = importlib.import_module(name)
    parser, runner = doctest.DocTestParser(), doctest.DocTestRunner(optionflags=FLAGS)
    told = io.StringIO()
    for label, text in documented(module):
        if not text or ">>>" not in text:
            continue
        text = inspect.cleandoc(text).replace("Example: >>>", "         >>>")
        names = namespace() | {k: v for k, v in vars(module).items() if not k.startswith("__")}
        test = parser.get_doctest(text, names, label, None, None)
        assert test.examples, label
        runner.run(test, out=told.write, clear_globs=False)
    assert runner.failures == 0, told.getvalue()


def test_all_public_names_exist_and_are_sorted():
    for name in MODULES:
        module = importlib.import_module(name)
        names = getattr(module, "__all__", None)
        if names is not None:
            missing = [n for n in names if not hasattr(module, n)]
            assert not missing, f"{name}.__all__ names {missing}"
            assert len(set(names)) == len(names), name


@pytest.mark.skipif("DOCSTRINGS_OF" in os.environ, reason="this is the process of its own")
def test_the_import_hook_in_a_process_of_its_own():
    command = [sys.executable, "-m", "pytest", "-p", "no:xdist", __file__]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "DOCSTRINGS_OF": HOOK})
    assert done.returncode == 0 and " passed" in done.stdout, done.stdout


def test_importing_lamella_is_light():
    code = "import sys, lamella; print(any(m.split('.')[0] in ('jax', 'numpy', 'h5py', 'rich') for m in sys.modules))"
    with contextlib.ExitStack():
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env={**os.environ})
    assert done.stdout.strip() == "False", done.stderr
