"""What public code calls on layers and reads of them: methods' arguments, weights, configs, losses, masks."""

import inspect

import keras
import numpy as np
import pytest

import lamella

LIBRARIES = [keras, lamella]
X = np.random.default_rng(0).normal(size=(4, 3)).astype("float32")

METHODS = ["call", "compute_mask", "compute_output_shape", "build", "adapt", "set_vocabulary", "get_vocabulary"]
METHODS += ["get_initial_state", "set_weights", "count_params", "add_weight", "add_loss", "stateless_call"]

OTHER_ARGUMENTS = {  # {layer.method: why}
    "SimpleRNNCell.call": "the step's input has one name in all cells",
    "TextVectorization.build": "Keras's takes no shape as well",
}
LAYERS = [
    name
    for name, kind in sorted(vars(keras.layers).items())
    if inspect.isclass(kind) and issubclass(kind, keras.layers.Layer) and hasattr(lamella.layers, name)
]


def arguments(method):
    varying = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
    return [p.name for p in inspect.signature(method).parameters.values() if p.kind not in varying and p.name != "_"]


@pytest.mark.parametrize("name", LAYERS)
def test_methods_take_the_arguments_that_keras_gives_them(name):
    theirs, ours = (getattr(library.layers, name) for library in LIBRARIES)
    for method in METHODS:
        inherited = name != "Layer" and getattr(theirs, method, None) is getattr(keras.layers.Layer, method, None)
        if not hasattr(theirs, method) or inherited or f"{name}.{method}" in OTHER_ARGUMENTS:
            continue
        wanted, known = arguments(getattr(theirs, method)), arguments(getattr(ours, method))
        assert [argument for argument in known if argument in wanted] == wanted, method


QUANTIZATION = {
    "quantize",
    "quantized_build",
    "quantized_call",
    "variable_serialization_spec",
}  # layers compute in floats
INSIDE = {"symbolic_call", "call_signature_parameters", "rematerialized_call"}


def test_public_attributes_of_a_layer():
    theirs, ours = (library.layers.Dense(2) for library in LIBRARIES)
    wanted = {name for name in dir(theirs) if not name.startswith("_") and hasattr(theirs, name)}
    assert {name for name in wanted - INSIDE if not hasattr(ours, name)} == QUANTIZATION


def of_both(function):
    """What a function gives for Keras and for us."""
    return [function(library) for library in LIBRARIES]


def shown(variable):
    return variable.name, tuple(variable.shape), str(variable.dtype), variable.trainable, variable.aggregation


WEIGHTS = {
    "nothing": lambda K, add: add(),
    "shape first": lambda K, add: add((2, 3)),
    "shape, initializer": lambda K, add: add([2, 3], "ones"),
    "shape, initializer, dtype": lambda K, add: add((2, 3), "ones", "float16"),
    "integers of NumPy": lambda K, add: add((np.int64(2), np.int32(3))),
    "an array as shape": lambda K, add: add(np.array([2, 3])),
    "an initializer's class": lambda K, add: add(shape=(2,), initializer=K.initializers.Zeros),
    "an initializer's config": lambda K, add: add(shape=(2,), initializer={"class_name": "Ones", "config": {}}),
    "a function": lambda K, add: add(shape=(2,), initializer=lambda shape, dtype=None: K.ops.ones(shape, dtype)),
    "integers": lambda K, add: add(shape=(2,), dtype="int32", trainable=False),
    "dtype of NumPy": lambda K, add: add(shape=(2,), dtype=np.float16),
    "aggregation": lambda K, add: add(shape=(2,), aggregation="mean"),
    "no aggregation": lambda K, add: add(shape=(2,), aggregation=None),
    "rules": lambda K, add: add(shape=(2,), regularizer="l2", constraint="non_neg", name="w"),
}
REFUSED = {
    "a name first": lambda add: add("kernel", (2, 3)),
    "a size that is not known": lambda add: add(shape=(None, 2)),
    "a negative size": lambda add: add(shape=(-1, 2)),
    "half a size": lambda add: add(shape=(2.0, 3)),
    "a name with a slash": lambda add: add(shape=(2,), name="a/b"),
    "an unknown aggregation": lambda add: add(shape=(2,), aggregation="most"),
}


@pytest.mark.parametrize("case", WEIGHTS)
def test_forms_of_add_weight(case):
    for library in LIBRARIES:
        library.utils.clear_session(free_memory=False)  # automatic names begin anew in both
    theirs, ours = of_both(lambda K: WEIGHTS[case](K, K.layers.Layer(name="owner").add_weight))
    assert shown(ours) == shown(theirs) and ours.path == theirs.path


@pytest.mark.parametrize("case", REFUSED)
def test_refusals_of_add_weight(case):
    for library in LIBRARIES:
        with pytest.raises(ValueError):
            REFUSED[case](library.layers.Layer().add_weight)


def test_config_of_a_class_without_get_config():
    def configs(K):
        class Plain(K.layers.Layer):
            pass

        class Defaults(K.layers.Layer):
            def __init__(self, units, rate=0.5, **kwargs):
                super().__init__(**kwargs)

        class Nameless(K.layers.Layer):
            def __init__(self, units):
                super().__init__()

        return [made.get_config() for made in (Plain(name="a"), Defaults(3, name="b"), Nameless(4))]

    theirs, ours = of_both(configs)
    assert ours == theirs and ours[1]["rate"] == 0.5 and "name" not in ours[2]


@pytest.mark.parametrize("argument", [object(), np.ones(2)])
def test_a_config_that_cannot_be_written(argument):
    for K in LIBRARIES:

        class Holder(K.layers.Layer):
            def __init__(self, thing, **kwargs):
                super().__init__(**kwargs)

        with pytest.raises(NotImplementedError):
            Holder(argument).get_config()


def test_errors_that_public_code_catches():
    for K in LIBRARIES:
        dense = K.layers.Dense(2)
        assert not hasattr(dense, "input") and not hasattr(dense, "output")
        with pytest.raises(ValueError):
            dense.count_params()
        with pytest.raises(ValueError):
            dense.stateless_call([], [], X)
        with pytest.raises(NotImplementedError):
            dense.add_metric(1.0)


def test_losses_are_those_of_the_last_outermost_call():
    def counted(K):
        class Lossy(K.layers.Layer):
            def call(self, x):
                self.add_loss(K.ops.sum(x))
                return x

        class Twice(K.layers.Layer):
            def __init__(self):
                super().__init__()
                self.inner = Lossy()

            def call(self, x):
                return self.inner(self.inner(x))

        alone, twice = Lossy(), Twice()
        counts = []
        for called in (alone, K.Sequential([alone]), K.Sequential([K.Sequential([alone])]), twice, twice, twice.inner):
            called(X)
            counts.append(len(called.losses))
        return [*counts, len(twice.losses), len(alone.losses)]

    theirs, ours = of_both(counted)
    assert ours == theirs
    for K in LIBRARIES:
        with pytest.raises(ValueError):
            K.layers.Layer().add_loss(None)


def test_metrics_of_a_layer():
    def counted(K):
        class Measured(K.layers.Layer):
            def __init__(self, *inside):
                super().__init__()
                self.mean, self.inside = K.metrics.Mean(name="m"), list(inside)

        layer = Measured(Measured())
        return [metric.name for metric in layer.metrics], len(layer.metrics_variables), len(layer.variables)

    theirs, ours = of_both(counted)
    assert ours == theirs


def test_masks_that_public_code_reads():
    def masks(K):
        class Through(K.layers.Layer):
            def __init__(self, **kwargs):
                super().__init__(**kwargs)
                self.supports_masking = True

            def call(self, x, mask=None):
                return x

        class OfTheClass(K.layers.Layer):
            supports_masking = True

            def call(self, x):
                return x

        steps = np.array([[[0.0, 0.0], [1.0, 1.0]]], "float32")
        masked = K.layers.Masking()(steps)
        given = Through()(steps, mask=K.ops.convert_to_tensor(np.array([[True, False]])))
        results = [masked, given, OfTheClass()(masked), Through(dtype="float16")(masked)]
        return [np.asarray(result._keras_mask).tolist() for result in results]

    theirs, ours = of_both(masks)
    assert ours == theirs
    by_name = [
        K.layers.Concatenate().compute_mask(inputs=[X, X], mask=[X[:, 0] > 0, None]).tolist() for K in LIBRARIES[1:]
    ]
    assert by_name == [[True] * 4]


@pytest.mark.parametrize("name", ["Add", "Concatenate"])
def test_masks_that_do_not_belong_to_the_inputs(name):
    for K in LIBRARIES:
        layer = getattr(K.layers, name)()
        for mask in (X[:, 0] > 0, [None]):
            with pytest.raises(ValueError):
                layer.compute_mask([X, X], mask)


def test_a_symbolic_tensor_among_others():
    for K in LIBRARIES:
        a, b, c = K.Input((3,)), K.Input((4,)), K.Input((3,))
        assert a in [c, b, a] and a not in [b, c] and [b, c, a].index(a) == 2 and not bool(a == "a")
        with pytest.raises(TypeError):
            bool(a > c)


WRONG_INPUTS = [{"shape": (2, 4)}, {"batch_shape": (2, 4)}, {"batch_size": 5}, {"dtype": "int32"}]


@pytest.mark.parametrize("wrong", WRONG_INPUTS, ids=str)
def test_input_layer_of_a_tensor(wrong):
    for K in LIBRARIES:
        layer = K.layers.InputLayer(input_tensor=K.KerasTensor((2, 3), "float16"))
        assert layer.batch_shape == (2, 3) and layer.dtype == "float16"
        with pytest.raises(ValueError):
            K.layers.InputLayer(input_tensor=K.KerasTensor((2, 3)), **wrong)
        with pytest.raises(ValueError):
            K.layers.InputLayer(input_tensor=X)
        with pytest.raises(ValueError):
            K.Input(batch_shape=(2, 3), batch_size=2)


def test_own_steps_of_attention():
    def attended(K):
        class Sharp(K.layers.Attention):
            def _apply_scores(self, scores, value, scores_mask=None, training=False):
                return super()._apply_scores(scores * 3, value, scores_mask, training)

        class Old(K.layers.MultiHeadAttention):
            def _compute_attention(
                self, query, key, value, attention_mask=None, training=None, return_attention_scores=False
            ):
                seen.append(attention_mask is not None)
                return super()._compute_attention(query, key, value, attention_mask, training)

        seen = []
        x = X[:, :, None]
        old = Old(num_heads=2, key_dim=self_size, kernel_initializer="ones")
        return [Sharp()([x, x], use_causal_mask=True), old(x, x, use_causal_mask=True)], seen

    self_size = 2
    (theirs, their_masks), (ours, our_masks) = of_both(attended)
    assert our_masks == their_masks == [True]
    for mine, wanted in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(mine, wanted, rtol=1e-5)


def test_weights_come_and_go():
    for K in LIBRARIES:
        dense = K.layers.Dense(2)
        dense.build((None, 3))
        with pytest.raises(ValueError):
            dense.build((None, 3))
        assert len(dense.weights) == 2
        del dense.bias
        assert [weight.name for weight in dense.weights] == ["kernel"]
        dense._tracker.unlock()
        dense._untrack_variable(dense._kernel)
        dense._track_variable(dense._kernel)
        dense._tracker.lock()
        assert [len(dense._trainable_variables), len(dense._non_trainable_variables), len(dense._layers)] == [1, 0, 0]


def test_parts_added_after_the_first_call_are_found():
    layer = lamella.layers.Layer()
    layer.build((None, 3))
    layer.late = lamella.layers.Dense(2)
    layer.late.build((None, 3))
    assert len(layer.weights) == 2  # Keras refuses the assignment


ONLY_HERE = {
    "an unknown mode": lambda L: L.RandomFlip("up"),
    "an unknown interpolation": lambda L: L.UpSampling2D(2, interpolation="foo"),
    "a negative padding": lambda L: L.ZeroPadding2D(-1),
    "sparse results": lambda L: L.CategoryEncoding(4, sparse=True),
    "another rank than the equation's": lambda L: L.EinsumDense("ab,b->a", (1, 3, 4)).build((2, 1, 2)),
}


@pytest.mark.parametrize("case", ONLY_HERE)
def test_refused_here_alone(case):
    ONLY_HERE[case](keras.layers)
    with pytest.raises(ValueError):
        ONLY_HERE[case](lamella.layers)


def test_batch_normalization_takes_synchronized():
    assert lamella.layers.BatchNormalization(synchronized=True)(X).shape == X.shape


def test_windows_of_an_array():
    for K in LIBRARIES:
        assert K.layers.Conv2D(2, np.array([3, 2]))(K.Input((8, 8, 1))).shape == (None, 6, 7, 2)


def test_an_argument_of_build_that_is_no_shape():
    for K in LIBRARIES:

        class Pair(K.layers.Layer):
            def build(self, foo_shape, bar):
                self.built = True

            def call(self, foo, bar):
                return foo + bar

        with pytest.raises(ValueError):
            Pair()(X, X)


@pytest.mark.parametrize("name", ["Dense", "Embedding"])
def test_quantized_policies_are_not_taken_for_floats(name):
    layer = getattr(lamella.layers, name)(*[4, 2][: 1 if name == "Dense" else 2], dtype="int8_from_float32")
    with pytest.raises(ValueError, match="floating point"):
        layer.build((None, 3))


def test_numbers_of_text_layers_are_arrays_as_of_other_layers():
    found = lamella.layers.StringLookup(vocabulary=["a", "b"])(np.array(["b", "c"]))
    assert lamella.ops.is_tensor(found) and found.tolist() == [2, 0]
    words = lamella.layers.StringLookup(vocabulary=["a", "b"], invert=True)(np.array([1, 2]))
    assert words.tolist() == ["a", "b"]
