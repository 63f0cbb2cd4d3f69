"""What `tf.keras` still has of Keras 2, beside Keras's own: tokenizer, generators, functions of the backend."""

import ast
import importlib
import inspect
import json
import random
import subprocess
import sys
from pathlib import Path

import jax
import keras
import numpy as np
import pytest
from keras.src.legacy.preprocessing import image as their_image
from keras.src.legacy.preprocessing import sequence as their_sequence
from keras.src.legacy.preprocessing import text as their_text

from lamella.keras2 import backend as K
from lamella.keras2 import backend_convolutions as KC
from lamella.keras2 import backend_values as KV
from lamella.keras2 import image_generator, image_iterators, image_transforms, sequence, text

TEXTS = ["The cat sat on the mat.", "The dog, the cat & a mouse!", "dogs chase CATS"]
PICTURES = np.random.default_rng(0).uniform(0, 255, (6, 12, 10, 3)).astype("float32")


@pytest.mark.parametrize(
    "options",
    [{}, {"num_words": 4}, {"oov_token": "?", "num_words": 5}, {"char_level": True}, {"lower": False}],
    ids=str,
)
def test_tokenizer(options):
    ours, theirs = text.Tokenizer(**options), their_text.Tokenizer(**options)
    for one in (ours, theirs):
        one.fit_on_texts(TEXTS)
    assert ours.word_index == theirs.word_index
    assert ours.texts_to_sequences([*TEXTS, "an unknown cat"]) == theirs.texts_to_sequences([*TEXTS, "an unknown cat"])
    numbers = [[1, 2, 99], [3]]
    assert ours.sequences_to_texts(numbers) == theirs.sequences_to_texts(numbers)
    for mode in ("binary", "count", "freq", "tfidf"):
        np.testing.assert_allclose(ours.texts_to_matrix(TEXTS, mode), theirs.texts_to_matrix(TEXTS, mode))
    again = text.tokenizer_from_json(theirs.to_json())
    assert again.texts_to_sequences(TEXTS) == their_text.tokenizer_from_json(ours.to_json()).texts_to_sequences(TEXTS)


def test_words_and_hashes():
    assert text.text_to_word_sequence(TEXTS[1]) == their_text.text_to_word_sequence(TEXTS[1])
    for kind in (None, "md5"):
        assert text.hashing_trick(TEXTS[0], 50, kind) == their_text.hashing_trick(TEXTS[0], 50, kind)
    assert text.one_hot(TEXTS[0], 50) == their_text.one_hot(TEXTS[0], 50)


@pytest.mark.parametrize(
    "options", [{}, {"sampling_rate": 2, "stride": 3}, {"reverse": True, "start_index": 2}], ids=str
)
def test_windows_of_series(options):
    data, targets = np.arange(40.0).reshape(20, 2), np.arange(20)
    ours = sequence.TimeseriesGenerator(data, targets, 5, batch_size=4, **options)
    theirs = their_sequence.TimeseriesGenerator(data, targets, 5, batch_size=4, **options)
    assert len(ours) == len(theirs)
    for i in range(len(ours)):
        for a, b in zip(ours[i], theirs[i], strict=True):
            np.testing.assert_array_equal(a, b)


def test_windows_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="No window fits"):
        sequence.TimeseriesGenerator(np.arange(4), np.arange(4), 5)
    with pytest.raises(ValueError, match="differ in length"):
        sequence.TimeseriesGenerator(np.arange(4), np.arange(5), 2)


def test_skipgrams():
    np.testing.assert_allclose(sequence.make_sampling_table(50), their_sequence.make_sampling_table(50))
    words = [1, 2, 0, 3, 4, 2]
    for options in ({}, {"categorical": True, "window_size": 2}, {"negative_samples": 0.5, "seed": 3}):
        drawn = []
        for module in (sequence, their_sequence):
            random.seed(1)
            drawn.append(module.skipgrams(words, 6, **options))
        assert drawn[0] == drawn[1]


GENERATORS = [
    {"rescale": 1 / 255},
    {"rotation_range": 30, "horizontal_flip": True, "vertical_flip": True},
    {"width_shift_range": 0.2, "height_shift_range": 3, "fill_mode": "reflect"},
    {"shear_range": 20, "zoom_range": 0.3, "fill_mode": "constant", "cval": 1.0},
    {"zoom_range": [0.5, 2.0], "channel_shift_range": 20.0, "width_shift_range": [1, 2]},
    {"brightness_range": [0.5, 1.5], "samplewise_std_normalization": True},
    {"featurewise_std_normalization": True, "rotation_range": 5},
    {"zca_whitening": True},
    {"preprocessing_function": np.sqrt, "interpolation_order": 0, "rotation_range": 10},
]


@pytest.mark.parametrize("options", GENERATORS, ids=lambda o: next(iter(o)))
@pytest.mark.filterwarnings("ignore")
def test_image_batches_are_those_of_keras(options):
    labels = np.arange(6)
    batches = []
    for module in (image_generator, their_image):
        generator = module.ImageDataGenerator(**options)
        generator.fit(PICTURES)
        flow = generator.flow(PICTURES, labels, batch_size=4, seed=5)
        batches.append([next(flow) for _ in range(3)] + [flow[1]])
    for (x, y), (their_x, their_y) in zip(*batches, strict=True):
        np.testing.assert_array_equal(y, their_y)
        np.testing.assert_allclose(x, their_x, rtol=1e-3, atol=1e-3)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    from PIL import Image

    top = tmp_path_factory.mktemp("pictures")
    for name, count in (("cats", 4), ("dogs", 6)):
        (top / name).mkdir()
        for i in range(count):
            Image.fromarray((PICTURES[i] * (1 + i)).astype("uint8")).save(top / name / f"{i}.png")
        (top / name / "notes.txt").write_text("no picture")
    return top


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"class_mode": "binary", "color_mode": "grayscale"},
        {"class_mode": None},
        {"subset": "training"},
        {"subset": "validation"},
    ],
    ids=str,
)
def test_batches_from_folders_are_those_of_keras(folder, options):
    flows = [
        module.ImageDataGenerator(rescale=1 / 255, validation_split=0.5).flow_from_directory(
            str(folder), target_size=(8, 6), batch_size=3, seed=2, **options
        )
        for module in (image_generator, their_image)
    ]
    ours, theirs = flows
    assert (ours.class_indices, ours.samples, len(ours)) == (theirs.class_indices, theirs.samples, len(theirs))
    assert ours.filenames == theirs.filenames
    np.testing.assert_array_equal(ours.classes, theirs.classes)
    for a, b in zip(_flat(next(ours)), _flat(next(theirs)), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)


@pytest.mark.parametrize(
    "options",
    [{}, {"class_mode": "raw", "y_col": "age"}, {"class_mode": "multi_output", "y_col": ["age", "age"]}],
    ids=str,
)
def test_batches_from_tables_are_those_of_keras(folder, options):
    pandas = pytest.importorskip("pandas")
    rows = [
        (f"{path.parent.name}/{path.name}", path.parent.name, i) for i, path in enumerate(sorted(folder.rglob("*.png")))
    ]
    table = pandas.DataFrame([*rows, ("cats/none.png", "cats", 9)], columns=["filename", "class", "age"])
    flows = [
        module.ImageDataGenerator().flow_from_dataframe(
            table, str(folder), target_size=(8, 6), batch_size=4, shuffle=False, **options
        )
        for module in (image_generator, their_image)
    ]
    for a, b in zip(_flat(flows[0][0]), _flat(flows[1][0]), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)


def _flat(batch):
    if isinstance(batch, (tuple, list)):
        return [one for part in batch for one in _flat(part)]
    return [batch]


def test_wrong_use_of_generators_is_refused(folder):
    generator = image_generator.ImageDataGenerator()
    for call, words in (
        (lambda: generator.flow(PICTURES[0]), "four axes"),
        (lambda: generator.flow(PICTURES, [1, 2]), "does not go with"),
        (lambda: generator.flow_from_directory(str(folder), class_mode="no"), "class_mode"),
        (lambda: generator.flow_from_directory(str(folder), color_mode="no"), "color_mode"),
        (lambda: generator.flow(PICTURES, subset="no"), "subset"),
        (lambda: image_generator.ImageDataGenerator(brightness_range=3), "brightness_range"),
        (lambda: image_generator.ImageDataGenerator(validation_split=2), "validation_split"),
        (lambda: image_transforms.apply_affine_transform(PICTURES), "one image"),
        (lambda: image_iterators.Iterator(3, 2, False, None)[5], "no batch 5"),
    ):
        with pytest.raises(ValueError, match=words):
            call()


X = np.array([[0.2, -1.5, 3.0], [2.0, 0.0, -0.7]], "float32")
IMAGES = np.random.default_rng(1).normal(size=(2, 5, 6, 3)).astype("float32")
KERNEL = np.random.default_rng(2).normal(size=(3, 3, 3, 4)).astype("float32")
CHANCES = np.random.default_rng(3).dirichlet(np.ones(4), (2, 5)).astype("float32")
CASES = {
    "all": (X,),
    "arange": (3,),
    "arange ": (-3,),
    "batch_normalization": (X, X[0], X[1] ** 2, X[0], X[1]),
    "binary_focal_crossentropy": (np.float32(X > 0), np.float32([[0.2, 0.5, 0.9], [0.7, 0.1, 0.4]]), True),
    "categorical_focal_crossentropy": (np.eye(4, dtype="float32")[None, [0, 1, 3, 2, 0]].repeat(2, 0), CHANCES),
    "conv2d_transpose": (IMAGES, KERNEL.swapaxes(2, 3), (2, 10, 12, 4), (2, 2), "same"),
    "conv2d_transpose ": (IMAGES, KERNEL.swapaxes(2, 3), (2, 7, 8, 4)),
    "ctc_decode": (CHANCES, np.array([5, 4])),
    "ctc_decode ": (CHANCES, np.array([5, 5]), False, 10, 2),
    "depthwise_conv2d": (IMAGES, KERNEL[..., :2], (2, 2), "same"),
    "expand_dims": (X,),
    "pool3d": (np.ones((1, 4, 4, 4, 2), "float32"), (2, 2, 2), (2, 2, 2)),
    "resize_volumes": (np.arange(8, dtype="float32").reshape(1, 2, 2, 2, 1), 2, 1, 3, "channels_last"),
    "separable_conv2d": (IMAGES, KERNEL[..., :2], np.ones((1, 1, 6, 5), "float32"), (1, 1), "same"),
    "spatial_3d_padding": (np.ones((1, 2, 2, 2, 1)),),
    "any": (X, 1),
    "argmax": (X,),
    "batch_dot": (np.ones((2, 3, 4)), np.ones((2, 4, 5))),
    "batch_dot ": (np.arange(6.0).reshape(2, 3), np.arange(6.0).reshape(2, 3), 1),
    "batch_flatten": (np.ones((2, 3, 4)),),
    "bias_add": (X, np.array([1.0, 2.0, 3.0], "float32")),
    "clip": (X, -1, 1),
    "concatenate": ([X, X],),
    "elu": (X,),
    "flatten": (X,),
    "gather": (X, np.array([1])),
    "l2_normalize": (X, 1),
    "mean": (X > 0, 1),
    "one_hot": (np.array([0, 2]), 3),
    "permute_dimensions": (X, (1, 0)),
    "relu": (X, 0.1, 2.0),
    "repeat": (X, 2),
    "repeat_elements": (X, 2, 1),
    "reverse": (X, 1),
    "softmax": (X,),
    "spatial_2d_padding": (np.ones((1, 2, 2, 1)),),
    "sqrt": (X,),
    "std": (X, 0),
    "sum": (X, 1, True),
    "switch": (np.array([[True], [False]]), X, -X),
    "temporal_padding": (np.ones((1, 2, 1)),),
}


def _tensor(value):
    import tensorflow

    return tensorflow.constant(value) if isinstance(value, np.ndarray) else value


@pytest.mark.parametrize("name", CASES)
def test_functions_of_the_backend(name):
    tensorflow = pytest.importorskip("tensorflow")  # Keras computes these with it
    tensors = tensorflow.nest.map_structure(
        lambda x: x if np.isscalar(x) else tensorflow.constant(x), list(CASES[name])
    )
    theirs = getattr(importlib.import_module("keras.src.legacy.backend"), name.strip())(*tensors)
    ours = _backend_function(name.strip())(*CASES[name])
    flat = tensorflow.nest.flatten(theirs)
    assert len(flat) == len(jax.tree.leaves(ours))
    for one, other in zip(jax.tree.leaves(ours), flat, strict=True):
        one, other = np.asarray(one), np.asarray(other)
        if one.shape != other.shape:  # decoded labels: one is padded more
            width = min(one.shape[-1], other.shape[-1])
            one, other = one[..., :width], other[..., :width]
        np.testing.assert_allclose(one, other, atol=1e-5)


def _backend_function(name):
    return next(getattr(module, name) for module in (K, KC, KV) if hasattr(module, name))


def test_a_transposed_convolution_that_cannot_be_says_so():
    with pytest.raises(ValueError, match=r"(?s)output_shape=\(2, 50, 50, 4\).*expected.*fix"):
        KC.conv2d_transpose(IMAGES, KERNEL.swapaxes(2, 3), (2, 50, 50, 4), (2, 2), "same")


def test_arguments_of_the_backend():
    """By the names and with the defaults that they had."""
    theirs = importlib.import_module("keras._tf_keras.keras.backend")
    served = _old_names()["served"]["backend"]
    for name in sorted(set(served) & set(dir(theirs)) - {"name_scope"}):
        assert _parameters(_backend_function(name)) == _parameters(getattr(theirs, name)), name


def _parameters(function):
    return [
        (one.name, "a function" if callable(one.default) else one.default)
        for one in inspect.signature(function).parameters.values()
    ]


def test_variables_and_loops_of_the_backend():
    v = KV.variable([1.0, 2.0])
    KV.set_value(v, [3.0, 4.0])
    KV.update_add(v, [1.0, 1.0])
    np.testing.assert_array_equal(KV.get_value(v), [4, 5])
    KV.moving_average_update(v, [0.0, 0.0], 0.5)
    np.testing.assert_array_equal(KV.get_value(v), [2, 2.5])
    for variable in (KV.random_normal_variable((2,), 0, 1), KV.random_uniform_variable((2,), 0, 1), KV.eye(2)):
        assert variable.shape[0] == 2 and variable.trainable
    assert KV.int_shape(X) == (2, 3) and KV.ndim(X) == 2 and KV.count_params(X) == 6
    assert float(KV.foldl(lambda a, x: a * 2 + x, np.array([1.0, 2.0, 3.0]))) == 11
    assert float(KV.foldr(lambda a, x: a * 2 + x, np.array([1.0, 2.0, 3.0]))) == 17
    last, outputs, states = KV.rnn(lambda x, s: (x + s[0], [x + s[0]]), np.ones((2, 3, 1)), [np.zeros((2, 1))])
    np.testing.assert_array_equal(np.asarray(outputs)[0, :, 0], [1, 2, 3])
    np.testing.assert_array_equal(last, states[0])


def test_every_old_name_is_served_or_has_advice():
    """Each name of `tf.keras` that `keras` lacks."""
    old_names = _old_names()
    root = Path(keras.__file__).parent
    for file in (root / "_tf_keras" / "keras").rglob("__init__.py"):
        namespace = ".".join(file.parent.relative_to(root / "_tf_keras" / "keras").parts)
        beside = root / file.parent.relative_to(root / "_tf_keras" / "keras") / "__init__.py"
        missing = _imported(file) - (_imported(beside) if beside.exists() else set())
        for name in missing - {"text"}:
            known = (
                name in old_names["served"].get(namespace, {}) or f"{namespace}.{name}".strip(".") in old_names["gone"]
            )
            assert known, (namespace, name)


def _imported(file):
    return {
        alias.asname or alias.name
        for node in ast.parse(file.read_text()).body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }


def _old_names():
    """The tables of old names, read in another process: this one has imported Keras."""
    code = "import json; from lamella.as_keras.old_names import _GONE, _SERVED; print(json.dumps([_SERVED, _GONE]))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return dict(zip(("served", "gone"), json.loads(done.stdout), strict=True))


def test_optimizers_by_old_arguments():
    from lamella.keras2 import optimizers

    assert float(optimizers.Adam(lr=0.2).learning_rate) == pytest.approx(0.2)
    sgd = optimizers.SGD(0.5, 0.9, decay=0.1)
    assert (sgd.momentum, float(sgd.learning_rate)) == (0.9, 0.5)
    variable = KV.variable([1.0])
    for _ in range(2):  # 0.5 · 1, then 0.5 / 1.1 · 1 + 0.9 · 0.5
        sgd.apply([np.ones(1, "float32")], [variable])
    np.testing.assert_allclose(KV.get_value(variable), [1 - 0.5 - (0.5 / 1.1 + 0.45)], rtol=1e-5)
    with pytest.raises(ValueError, match="nonsense"):
        optimizers.RMSprop(nonsense=1)
