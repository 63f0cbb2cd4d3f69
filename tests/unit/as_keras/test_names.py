"""What `import keras` gives in a program, and what it leaves alone without being asked."""

import subprocess
import sys
from pathlib import Path

import keras
import pytest

import lamella


@pytest.fixture
def ok(run):
    """Runs a program of assertions with the hook."""

    def check(text, **kwargs):
        done = run(text, **kwargs)
        assert done.code == 0, done.err
        return done

    return check


def test_keras_is_a_view_of_lamella(ok):
    ok("""
        import lamella
        import keras, keras.layers, keras.optimizers.schedules
        from keras import Model, layers, ops
        from keras.applications.mobilenet_v2 import MobileNetV2, preprocess_input
        from keras.layers import *
        assert keras.__version__ == keras.version() == "3.15.1" != lamella.__version__
        assert layers.Dense is Dense is lamella.layers.Dense
        assert keras.Model is Model is lamella.Model
        assert ops.matmul is lamella.ops.matmul and keras.layers is layers
        assert MobileNetV2 is lamella.applications.MobileNetV2
        assert keras.backend.backend() == "jax"
        assert "Dense" in dir(layers) and "layers" in dir(keras)
        assert not any(name.startswith("_") for name in layers.__all__)
    """)


def test_private_files_of_lamella_are_not_modules_of_keras(ok):
    ok("""
        import importlib
        import keras
        for name in ("keras.layers.layer", "keras.cli", "keras.state", "keras.errors", "keras.layers.core.dense"):
            try:
                importlib.import_module(name)
            except ModuleNotFoundError:
                continue
            raise AssertionError(name)
        assert not hasattr(keras, "cli") and not hasattr(keras.layers, "layer")
    """)


def test_installed_packages_say_its_version(ok):
    ok("""
        from importlib import metadata
        assert metadata.version("keras") == "3.15.1"
        assert metadata.version("jax")
    """)


def test_the_hook_comes_with_the_first_line_of_a_notebook_too(run):
    done = run("import lamella.as_keras\nimport keras\nprint(keras.Model.__module__)", by=())
    assert done.out.startswith("lamella."), done.err


def test_keras_imported_before_is_refused(run):
    done = run("import sys, types\nsys.modules['keras'] = types.ModuleType('keras')\nimport lamella.as_keras", by=())
    assert done.code == 1
    assert "imported already" in done.err


def test_nothing_is_left_behind_without_it(run):
    text = """
        import builtins, sys
        finders, imported = list(sys.meta_path), builtins.__import__
        import lamella as keras
        import lamella.cli
        keras.layers.Dense, keras.Model, keras.utils, keras.applications, keras.saving
        assert sys.meta_path == finders and builtins.__import__ is imported
        assert not any(name.startswith("lamella.as_keras") for name in sys.modules)
        assert not any(name.partition(".")[0] in ("keras", "tensorflow") for name in sys.modules)
        import jax.numpy as jnp
        assert not hasattr(jnp.zeros(1), "numpy")
    """
    done = run(text, by=())
    assert done.code == 0, done.err


def test_a_process_after_it_is_as_before(run):
    run("import keras")
    done = run("import sys; print([type(finder).__name__ for finder in sys.meta_path])", by=())
    assert "KerasFinder" not in done.out


def test_names_that_are_gone_say_what_serves(run):
    done = run("""
        def said(statement):
            try:
                exec(statement)
            except (ImportError, AttributeError) as error:
                print(type(error).__mro__[2].__name__, str(error).replace(chr(10), " "))

        said("from keras.layers import CuDNNLSTM")
        said("import keras; keras.layers.CuDNNGRU")
        said("from keras.layers import Dens")
        said("import keras; keras.utils.to_categorial")
        said("from keras.src.layers import Dens")
        said("from keras.src.utils.summary_utils import set_random_seed_x")
        said("from keras import no_such_thing_at_all")
    """)
    lines = done.out.splitlines()
    assert "keras.layers.LSTM computes the same" in lines[0]
    assert "keras.layers.GRU computes the same" in lines[1]
    assert "'Dense'" in lines[2]
    assert "to_categorical" in lines[3]
    assert len(lines) == 7


def test_source_names_that_libraries_use(ok):
    ok("""
        import importlib
        import lamella as L
        import keras
        import keras.src
        from keras.src import backend, ops, saving, utils
        from keras.src.backend.common.stateless_scope import StatelessScope
        from keras.src.layers.convolutional.base_conv import BaseConv
        from keras.src.layers.merging.base_merge import Merge
        from keras.src.losses.losses import LossFunctionWrapper
        from keras.src.ops.node import Node
        from keras.src.saving import serialization_lib
        from keras.src.utils.argument_validation import standardize_tuple

        assert isinstance(L.layers.Conv2D(1, 1), BaseConv) and isinstance(L.layers.Add(), Merge)
        assert isinstance(L.losses.MeanSquaredError(), LossFunctionWrapper)
        assert keras.src.layers.core.dense.Dense is L.layers.Dense
        assert keras.src.models.functional.Functional is L.models.Functional
        assert serialization_lib.serialize_keras_object is L.saving.serialize_keras_object
        assert float(backend.numpy.sum([1.0, 2.0])) == float(backend.convert_to_tensor(3.0)) == 3.0
        assert backend.random.uniform((2,)).shape == (2,) and backend.nn.relu(-1.0) == 0
        assert not backend.any_symbolic_tensors((1,)) and backend.any_symbolic_tensors((L.Input((2,)),))
        assert standardize_tuple(3, 2, "kernel_size") == (3, 3)
        for wrong in (0, (1,), "ab", (1, -1)):
            try:
                standardize_tuple(wrong, 2, "kernel_size")
            except ValueError as error:
                assert "kernel_size" in str(error)
            else:
                raise AssertionError(wrong)
        with backend.AutocastScope("bfloat16"):
            assert L.Variable(1.0).value.dtype == "bfloat16"
        try:
            importlib.import_module("keras.src.engine")  # Keras 2 had it: libraries ask, to know which Keras this is
        except ModuleNotFoundError:
            pass
        else:
            raise AssertionError
    """)


def test_masks_and_scopes_of_the_source(ok):
    ok("""
        import jax
        import numpy as np
        import keras
        from keras.src import backend
        x = keras.ops.ones((2, 3))
        assert backend.get_keras_mask(x) is None
        backend.set_keras_mask(x, keras.ops.ones((2, 3), "bool"))
        assert backend.get_keras_mask(x).shape == (2, 3)
        seen = []
        jax.jit(lambda y: seen.append(backend.in_symbolic_scope()) or y)(x)
        assert seen == [True] and not backend.in_symbolic_scope()
        assert not backend.in_stateless_scope()
        with keras.StatelessScope():
            assert backend.in_stateless_scope()
        out = backend.compute_output_spec(keras.ops.transpose, keras.KerasTensor((None, 3)))
        assert out.shape == (3, None)
    """)


def test_old_modules_lead_to_todays_names(ok):
    ok("""
        import keras
        from keras.engine.topology import Layer, InputSpec
        from keras.layers.convolutional import Conv2D, MaxPooling2D
        from keras.layers.core import Dense, Dropout, Lambda
        from keras.layers.merge import add, Concatenate
        from keras.layers.normalization import BatchNormalization
        from keras.utils.np_utils import to_categorical
        from keras.utils.vis_utils import plot_model
        assert Layer is keras.Layer and Dense is keras.layers.Dense
        assert keras.layers.experimental.preprocessing.Rescaling is keras.layers.Rescaling
        assert keras.utils.np_utils.to_categorical is to_categorical is keras.utils.to_categorical
    """)


def test_an_old_module_says_where_to_look(run):
    done = run("from keras.utils.np_utils import no_such_thing")
    assert done.code == 1
    assert "no_such_thing" in done.err


def test_the_public_modules_are_those_of_keras():
    root = Path(keras.__file__).parent
    modules = {".".join(file.parent.relative_to(root).parts) for file in root.rglob("__init__.py")}
    public = {name for name in modules if name and not name.startswith(("src", "_tf_keras"))}
    code = "from lamella.as_keras.namespace import NAMESPACES; print(*NAMESPACES)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert {*done.stdout.split()} == public
    assert keras.__version__ == "3.15.1"


def test_import_lamella_stays_free_of_the_hook():
    assert "lamella.as_keras" not in sys.modules
    assert lamella.__version__ != "3.15.1"
