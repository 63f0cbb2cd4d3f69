"""Users name attributes and methods of their layers, models, metrics … as they like: none of ours is in their way.

A private name on a class that users subclass is one of Keras's, which they avoid, or ends with an underscore.
"""

import ast
import inspect
from pathlib import Path

import numpy as np
import pytest

import lamella as keras
from lamella import callbacks, constraints, initializers, layers, losses, metrics, models, optimizers, regularizers

BASES = [
    *(
        layers.Layer,
        layers.RNN,
        layers.LSTMCell,
        layers.Wrapper,
        layers.Dense,
        layers.Conv2D,
        layers.MultiHeadAttention,
    ),
    *(layers.BatchNormalization, layers.Bidirectional, models.Model, models.Sequential, metrics.Mean, losses.Loss),
    *(optimizers.Adam, callbacks.EarlyStopping, initializers.GlorotUniform, regularizers.L2, constraints.MaxNorm),
]
# Private names that Keras has too, or that public code reads.
KERAS = """
    _activity_regularizer _adapt_function _allow_non_tensor_positional_args _convert_input_args _dtype_policy _flag
    _functional _initial_seed _input_shape_arg _is_graph_network _kernel _layers _loss _losses _manual_input_spec _model
    _path _run _tracker _trainable _variables _built _layer _lock _name _optimizer _dtype _direction _metrics
"""


def plain_names(cls):
    """Private names without the underscore at the end, of a class and those of ours that it is made of."""
    found = {}
    for base in cls.__mro__:
        if base.__module__.startswith("lamella."):
            found.update((name, base) for name in vars(base))
            tree = ast.parse(inspect.getsource(base).lstrip()) if base.__qualname__.count(".") == 0 else ast.parse("")
            for node in ast.walk(tree):
                stored = isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)
                if stored and isinstance(node.value, ast.Name) and node.value.id == "self":
                    found[node.attr] = base
    return {n: b for n, b in found.items() if n.startswith("_") and not n.startswith("__") and not n.endswith("_")}


def test_private_names_are_keras_s_or_end_with_an_underscore(keras_private_names):
    ours = {name: base for cls in BASES for name, base in plain_names(cls).items()}
    wrong = {name: base.__name__ for name, base in ours.items() if name not in keras_private_names}
    assert wrong == {}


@pytest.fixture(scope="module")
def keras_private_names():
    """What is written after a dot with an underscore anywhere in Keras's own classes."""
    import re

    import keras as real

    root = Path(real.__file__).parent / "src"
    folders = (
        "layers",
        "models",
        "trainers",
        "ops",
        "backend",
        "metrics",
        "losses",
        "optimizers",
        "callbacks",
        "initializers",
    )
    texts = (
        path.read_text() for folder in folders for path in (root / folder).rglob("*.py") if "_test" not in path.name
    )
    return {*KERAS.split()} | {
        name for text in texts for name in re.findall(r"\b(?:self|cls|def|layer)[. ](_[a-z]\w*)", text)
    }


WORDS = """
    add append batches bound check checked chosen collect compiled converted drop epoch features feed graph holds key
    keys kept names order original own parts positive rule run settings sizes slots steps sublayers tensors train
    trained update validation where index state states sites cache config count data depth dims encoder decoder items
    memory mode norm number output_layer params queue rate rows scale size start step stop table target value width
"""


def test_any_word_serves_as_an_attribute_of_a_layer_or_model():
    def taking(base):
        class Taking(base):
            def __init__(self, **kwargs):
                super().__init__(**kwargs)
                for number, word in enumerate(WORDS.split()):
                    setattr(self, f"_{word}", number)
                self._sublayers = [layers.Dense(2)]

            def call(self, x):
                return self._sublayers[0](x)

        return Taking

    for base in (layers.Layer, keras.Model):
        part = taking(base)()
        model = part if base is keras.Model else keras.Sequential([keras.Input((3,)), part])
        model.compile("adam", "mse", metrics=["mae"])
        model.fit(np.ones((4, 3)), np.ones((4, 2)), verbose=0, epochs=2, validation_split=0.5)
        model.evaluate(np.ones((4, 3)), np.ones((4, 2)), verbose=0)
        assert model.predict(np.ones((2, 3)), verbose=0).shape == (2, 2) and len(model.trainable_weights) == 2
        model.summary(print_fn=lambda text: None)
        assert str(model.anatomy.explain()) and model.anatomy.trainability().trainable == 8
        part.trainable = False
        assert model.trainable_weights == []


def test_any_word_serves_as_a_method():
    methods = {f"_{word}": lambda self, *args, **kwargs: 1 / 0 for word in WORDS.split()}
    layer = type("Methods", (layers.Dense,), methods)(2)
    model = type("Model", (keras.Model,), methods)
    x = keras.Input((3,))
    made = model(x, layer(x))
    optimizer = type("Descent", (optimizers.SGD,), methods)(0.1)
    metric = type("Average", (metrics.MeanAbsoluteError,), methods)()
    made.compile(optimizer, type("Loss", (losses.MeanSquaredError,), methods)(), metrics=[metric])
    watcher = type("Watcher", (callbacks.EarlyStopping,), methods)(monitor="loss")
    made.fit(np.ones((4, 3)), np.ones((4, 2)), verbose=0, callbacks=[watcher])
    assert made.predict(np.ones((2, 3)), verbose=0).shape == (2, 2)
