"""What explanations claim of an output is read from the whole model: its places, its activation, its loss."""

import pytest

import lamella as keras
from lamella import layers

Input = keras.Input


def autoencoder(loss=None, last="sigmoid", size=28, rank=2):
    convolution = {1: layers.Conv1D, 2: layers.Conv2D, 3: layers.Conv3D}[rank]
    spread = {1: layers.Conv1DTranspose, 2: layers.Conv2DTranspose, 3: layers.Conv3DTranspose}[rank]
    x = Input((*[size] * rank, 1))
    y = convolution(8, 3, strides=2, padding="same", activation="relu")(x)
    model = keras.Model(x, spread(1, 3, strides=2, padding="same", activation=last)(y))
    if loss:
        model.compile("adam", loss)
    return model


def enlarging():
    x = Input((None, None, 3))
    y = layers.UpSampling2D(2)(layers.Conv2D(8, 5, padding="same", activation="relu")(x))
    return keras.Model(x, layers.Conv2D(3, 3, padding="same")(y))


def backbone(rank):
    convolution = {2: layers.Conv2D, 3: layers.Conv3D}[rank]
    return keras.Sequential([Input((*[16] * rank, 1)), convolution(8, 3, strides=2, activation="relu")])


def generator():
    z = Input((10,))
    y = layers.Reshape((4, 4, 8))(layers.Dense(128)(z))
    return keras.Model(z, layers.Conv2DTranspose(1, 4, strides=2, padding="same", activation="tanh")(y))


def two_heads(compiled):
    x = Input((8,))
    model = keras.Model(
        x, {"box": layers.Dense(4, name="box")(x), "label": layers.Dense(3, "softmax", name="label")(x)}
    )
    if compiled:
        model.compile("adam", {"box": "mse", "label": "sparse_categorical_crossentropy"})
    return model


def tagging():
    return keras.Sequential([Input((None, 4)), layers.LSTM(8, return_sequences=True), layers.Dense(5, "softmax")])


def head(activation=None, loss=None, units=1):
    model = keras.Sequential([Input((4,)), layers.Dense(units, activation)])
    if loss:
        model.compile("sgd", loss)
    return model


CASES = {
    "autoencoder": (
        autoencoder,
        ["28×28 places, with 1 number between 0 and 1 at each", "If they are masks"],
        ["1 places"],
    ),
    "compiled with mse": (lambda: autoencoder("mse"), ["28×28 places"], ["binary_crossentropy", "a probability"]),
    "three axes": (lambda: autoencoder(size=8, last=None, rank=3), ["8×8×8 places, with 1 raw number"], ["Pool"]),
    "enlarging": (
        enlarging,
        ["size follows from that of the input, with 3 raw numbers at each"],
        ["classifier", "any"],
    ),
    "generator": (generator, ["8×8 places, with 1 number between −1 and 1"], ["Pool", "head"]),
    "backbone": (lambda: backbone(2), ["a feature map: 7×7 places", "GlobalAveragePooling2D"], []),
    "backbone of volumes": (lambda: backbone(3), ["7×7×7 places", "GlobalAveragePooling3D"], ["Pooling2D"]),
    "two heads": (
        lambda: two_heads(False),
        ["`box`: 4 raw numbers", "`label`: 3 probabilities", "`label`: The class"],
        [],
    ),
    "two losses": (lambda: two_heads(True), ["`box`: 4 raw numbers"], ["logits", "The loss to train it with"]),
    "tagging": (tagging, ["5 probabilities at each step, one for each class"], ["any"]),
    "regression": (lambda: head(loss="mse"), ["1 raw number for each sample"], ["logits"]),
    "logits without saying so": (
        lambda: head(loss="sparse_categorical_crossentropy", units=3),
        ["sparse_categorical_crossentropy takes probabilities unless it has from_logits=True"],
        [],
    ),
    "binary": (lambda: head("sigmoid"), ["one number between 0 and 1: a probability", "binary_crossentropy"], []),
}


@pytest.mark.parametrize("case", CASES)
def test_claims(case):
    make, said, unsaid = CASES[case]
    text = make().anatomy.explain().text(10_000)
    for words in said:
        assert words.lower() in text.lower(), text
    for words in unsaid:
        assert words.lower() not in text.lower().partition("gives")[2], text


def test_recurrent_layers_count_and_cells_do_not():
    x = Input((None, 4))
    y, *state = layers.LSTM(8, return_sequences=True, return_state=True, dropout=0.2, name="first")(x)
    model = keras.Model(x, layers.Dense(2)(layers.GRU(4, name="second")(y, initial_state=layers.Dense(4)(state[0]))))
    text = model.anatomy.explain().text(10_000)
    assert "2 recurrent layers and 2 dense layers" in text and "stand 4: that is its depth" in text
    assert "One layer inside behaves otherwise in training than in inference: 1 LSTM." in text
    assert "holds" not in text
    counted = model.anatomy.counts()
    assert (counted.recurrent, counted.by_class["LSTM"], counted.by_class.get("LSTMCell", 0)) == (2, 1, 0)
    assert "2 recurrent layers, 0 convolutions" in counted.sentence()


@pytest.mark.parametrize(("rate", "said"), [(0.0, "computes the same"), (0.3, "One layer inside behaves otherwise")])
def test_dropout_of_nothing_does_not_differ(rate, said):
    model = keras.Sequential([Input((4,)), layers.Dropout(rate), layers.Dense(2)])
    assert said in model.anatomy.explain().text(10_000)
    x = Input((5, 4))
    attention = keras.Model(x, layers.MultiHeadAttention(1, 2, dropout=rate)(x, x))
    assert said in attention.anatomy.explain().text(10_000)


class Sampling(layers.Layer):
    """Draws from a normal distribution, as variational autoencoders do."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.seed = keras.random.SeedGenerator(0)

    def call(self, mean):
        return mean + keras.random.normal(keras.ops.shape(mean), seed=self.seed)


def variational():
    x = Input((28, 28, 1))
    code = Sampling()(layers.Dense(2)(layers.Flatten()(layers.Conv2D(4, 3, strides=2, padding="same")(x))))
    y = layers.Reshape((7, 7, 4))(layers.Dense(7 * 7 * 4)(code))
    for filters in (4, 1):
        y = layers.Conv2DTranspose(filters, 3, strides=2, padding="same")(y)
    return keras.Model(x, y)


def test_what_draws_in_inference_too_says_so():
    said = " ".join(str(variational().anatomy.explain()).split())
    assert "It draws random numbers, in training and in inference" in said
    assert "It computes the same" in str(autoencoder().anatomy.explain())


def test_sides_that_were_flattened_meanwhile_begin_anew():
    said = " ".join(str(variational().anatomy.explain()).split())
    assert "The sides go 28×28 → 14×14, then from 7×7 → 14×14 → 28×28;" in said
