"""`import tensorflow` without TensorFlow: a stand-in for programs, and the truth for libraries."""

from importlib.util import find_spec

import pytest

pytestmark = pytest.mark.skipif(find_spec("tensorflow") is not None, reason="TensorFlow is installed")


def test_programs_reach_keras(run):
    done = run("""
        import tensorflow as tf
        import tensorflow.keras.backend as K
        import tensorflow.keras.layers
        from tensorflow import keras
        from tensorflow.keras import layers
        from tensorflow.keras.layers import Dense
        from tensorflow.python.keras.layers import Flatten
        import lamella
        assert tf.keras is keras and layers.Dense is Dense is tf.keras.layers.Dense is lamella.layers.Dense
        assert tensorflow.keras.layers is layers and Flatten is layers.Flatten
        assert tf.keras.__version__ == "3.15.1" and int(tf.__version__.split(".")[0]) == 2
        assert tf.losses is keras.losses and tf.keras.backend.floatx() == K.floatx() == "float32"
    """)
    assert done.code == 0, done.err


def test_libraries_see_that_tensorflow_is_not_there(run):
    folder = run.folder / "site-packages"
    folder.mkdir()
    (folder / "probing.py").write_text(
        "try:\n    import tensorflow\n    HAS_TF = True\nexcept ImportError:\n    HAS_TF = False\n"
        "from tensorflow.keras.layers import Dense\nfrom tensorflow import keras\n"
    )
    done = run("""
        import importlib.util, sys
        import tensorflow as tf
        sys.path.append("site-packages")
        import probing
        import keras
        assert not probing.HAS_TF and probing.Dense is keras.layers.Dense and probing.keras is keras
        assert importlib.util.find_spec("tensorflow") is None and "tensorflow" not in sys.modules
        import jax, sklearn.pipeline, optax
        import tensorboardX
    """)
    assert done.code == 0, done.err


def test_libraries_that_need_tensorflow_get_what_there_is(run):
    folder = run.folder / "site-packages"
    folder.mkdir()
    (folder / "needing.py").write_text(
        "import tensorflow as tf\nfrom tensorflow import math\nfrom tensorflow.keras.layers import Layer\n"
        "class Twice(Layer):\n    def call(self, x):\n        return tf.concat([x, math.square(x)], axis=-1)\n"
    )
    (folder / "wrapping.py").write_text("from needing import Twice\n")
    (folder / "guarded.py").write_text("try:\n    import needing2\nexcept ImportError:\n    needing2 = None\n")
    (folder / "needing2.py").write_text("import tensorflow as tf\n")
    (folder / "late.py").write_text("def has_tensorflow():\n    import tensorflow\n    return True\n")
    (folder / "demanding.py").write_text("import tensorflow as tf\nfrom tensorflow.image import extract_patches\n")
    done = run("""
        import sys
        sys.path.append("site-packages")
        import guarded, late, needing, wrapping
        import numpy as np
        assert wrapping.Twice()(np.full((1, 1), 3.0)).tolist() == [[3.0, 9.0]]
        assert guarded.needing2 is None, "who looks for another way hears no"
        try:
            late.has_tensorflow()
        except ImportError:
            pass
        else:
            raise AssertionError("a question in a function hears no")
        assert "tensorflow" not in sys.modules
        import demanding
    """)
    assert done.code != 0 and "TensorFlow is not installed, and tf.image.extract_patches needs it" in done.err


def test_a_program_that_asks_hears_the_truth(run):
    done = run("""
        import contextlib

        def asks():
            try:
                import tensorflow as tf
            except ImportError:
                return None
            return tf

        def asks_late(more=0):
            for i in range(9):  # so much code that the table's numbers take more than one byte
                more += i * i + i - 1; more -= i; more *= 2; more //= 3; more += 5; more -= 2; more ^= 1
            with contextlib.suppress(KeyError):
                try:
                    more += 1
                    from tensorflow import data
                except ImportError:
                    return None
            return data

        try:
            import tensorflow.linalg
        except ImportError:
            missing = True
        with contextlib.nullcontext():
            import tensorflow as tf
        try:
            from tensorflow import keras
            raise KeyError
        except KeyError:
            import tensorflow as again
        assert asks() is None and asks_late() is None and missing
        assert tf is again and tf.keras is keras
    """)
    assert done.code == 0, done.err


def test_what_is_missing_says_what_serves(run):
    done = run("""
        import tensorflow as tf

        def said(statement):
            try:
                exec(statement)
            except (AttributeError, ImportError) as error:
                print(type(error).__name__, str(error).replace(chr(10), " "))

        said("tf.data.Dataset.from_tensor_slices([1])")
        said("tf.GradientTape()")
        said("tf.compat.v1.Session()")
        said("tf.reduce_meen([1])")
        said("from tensorflow import Graph")
        said("from tensorflow.examples.tutorials.mnist import input_data")
        said("import tensorflow.contrib")
        assert not hasattr(tf, "Session") and not hasattr(tf.data, "Dataset")
    """)
    lines = done.out.splitlines()
    assert len(lines) == 7, done.err
    ways = ["PyDataset", "value_and_grad", "computes at once", "'reduce_mean'", "Graph", "examples", "contrib"]
    for line, words in zip(lines, ways, strict=True):
        assert words in line
        assert "TensorFlow is not installed" in line


def test_what_is_served_computes_as_tensorflow_does(run):
    done = run("""
        import numpy as np
        import tensorflow as tf
        x = tf.constant([[1.0, -2.0], [3.0, 4.0]])
        same = np.testing.assert_allclose
        same(tf.reduce_mean(x, axis=1, keepdims=True), [[-0.5], [3.5]])
        same(tf.reduce_sum(input_tensor=x, name="total"), 6)
        same(tf.argmax(x), [1, 1])
        same(tf.matmul(x, x, transpose_b=True), np.asarray(x) @ np.asarray(x).T)
        same(tf.concat([x, x], axis=-1).shape, [2, 4])
        same(tf.clip_by_value(x, -1, 2), np.clip(x, -1, 2))
        same(tf.one_hot([1], 3, on_value=5.0, off_value=1.0), [[1, 5, 1]])
        same(tf.nn.l2_normalize(x, axis=1), np.asarray(x) / np.linalg.norm(x, axis=1, keepdims=True), rtol=1e-6)
        same(tf.split(x, [1, 1], axis=1)[1], [[-2], [4]])
        same(tf.gather(x, [1]), [[3, 4]])
        same(tf.gather(x, [[1], [0]], axis=1, batch_dims=1), [[-2], [3]])
        same(tf.norm(x), np.linalg.norm(x), rtol=1e-6)
        same(tf.pad(x, [[0, 0], [1, 0]], constant_values=7)[:, 0], [7, 7])
        same(tf.sort(x, direction="DESCENDING")[0], [1, -2])
        same(tf.range(3), [0, 1, 2])
        same(tf.fill((2,), 3), [3, 3])
        same(tf.image.resize(np.ones((4, 4, 1)), (2, 2)).shape, (2, 2, 1))
        assert tf.cast(1.7, tf.int32) == 1 and tf.zeros((2, 3)).shape == (2, 3)
        assert x.numpy().dtype == np.float32 and isinstance(x, tf.Tensor) and tf.is_tensor(x)
        assert (tf.random.uniform((3,), 0, 5, dtype=tf.int32) < 5).all()
        tf.random.set_seed(1); a = tf.random.normal((2,)); tf.random.set_seed(1); b = tf.random.normal((2,))
        same(a, b)
        v = tf.Variable(2.0); v.assign_add(1.0); assert float(v.numpy()) == 3
        assert tf.function(len)("ab") == 2 and tf.executing_eagerly()
        assert isinstance(tf.config.list_physical_devices("GPU"), list)
        assert tf.config.list_physical_devices("CPU")[0].device_type == "CPU"
        tf.get_logger().setLevel("ERROR"); tf.compat.v1.logging.set_verbosity(tf.compat.v1.logging.ERROR)
    """)
    assert done.code == 0, done.err


def test_every_name_of_the_stand_in_is_there(run):
    done = run("""
        import tensorflow as tf
        from lamella.as_keras.tensorflow_names import SERVED
        for path in SERVED:
            value = tf
            for name in path.split("."):
                value = getattr(value, name)
    """)
    assert done.code == 0, done.err


def test_tensorflows_functions_work_in_layers_and_losses(run):
    done = run("""
        import numpy as np
        import tensorflow as tf

        class Scaled(tf.keras.layers.Layer):
            def build(self, shape):
                self.kernel = self.add_weight(shape=(shape[-1], 2))

            def call(self, x):
                return tf.nn.relu(tf.matmul(x, self.kernel))

        def loss(y, p):
            return tf.reduce_mean(tf.square(tf.cast(y, tf.float32) - p), axis=-1)

        inputs = tf.keras.Input((3,))
        x = tf.concat([Scaled()(inputs), inputs], axis=-1)
        model = tf.keras.Model(inputs, tf.keras.layers.Dense(1, activation=tf.nn.sigmoid)(x))
        model.compile("sgd", loss)
        model.fit(tf.ones((4, 3)), tf.zeros((4, 1)), verbose=0)
        assert model.layers[-1].get_config()["activation"] == "sigmoid"
    """)
    assert done.code == 0, done.err


def test_a_failing_import_shows_the_programs_lines_and_not_ours(run):
    for number in range(4):
        (run.folder / f"part{number}.py").write_text(f"import part{number + 1}\n")
    (run.folder / "part4.py").write_text("import not_installed_anywhere\n")
    done = run("import part0\n")
    assert done.err.count("part") >= 5 and done.err.count("tensorflow_missing.py") <= 1, done.err
