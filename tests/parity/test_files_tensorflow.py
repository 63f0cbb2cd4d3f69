"""Checkpoints and SavedModels of TensorFlow, written here byte by byte as TensorFlow lays them out."""

from __future__ import annotations

import json

import numpy as np
import pytest
from keras2_files import dense, layer, sequential

import lamella
from lamella import layers as L
from lamella.errors import FileError

RANDOM = np.random.default_rng(11)
VALUE = "/.ATTRIBUTES/VARIABLE_VALUE"
DTYPES = {"float32": 1, "int32": 3}


def normal(*shape):
    return RANDOM.normal(size=shape).astype("float32")


def varint(number):
    found = b""
    while number > 127:
        found += bytes([number & 127 | 128])
        number >>= 7
    return found + bytes([number])


def field(number, value):
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def block(entries):
    """Entries that share the beginning of the key before, and where they begin anew."""
    found, last = b"", b""
    for key, value in entries:
        shared = next((at for at in range(min(len(key), len(last))) if key[at] != last[at]), min(len(key), len(last)))
        found += varint(shared) + varint(len(key) - shared) + varint(len(value)) + key[shared:] + value
        last = key
    return found + (0).to_bytes(4, "little") + (1).to_bytes(4, "little")


def write(prefix, arrays):
    """A checkpoint; the entries go into two blocks."""
    prefix.parent.mkdir(parents=True, exist_ok=True)
    data, entries = b"", [(b"", field(1, 1))]
    for key, array in sorted(arrays.items()):
        shape = b"".join(field(2, field(1, size)) for size in array.shape)
        place = field(4, len(data)) + field(5, array.nbytes)
        entries.append(((key + VALUE).encode(), field(1, DTYPES[array.dtype.name]) + field(2, shape) + place))
        data += array.tobytes()
    table, handles = b"", []
    for part in (entries[:2], entries[2:]):
        body = block(part)
        handles.append((part[-1][0] if part else b"z", varint(len(table)) + varint(len(body))))
        table += body + bytes(5)
    index = block(handles)
    footer = varint(0) + varint(0) + varint(len(table)) + varint(len(index))
    table += index + bytes(5) + footer.ljust(40, b"\0") + (0xDB4775248B80FB57).to_bytes(8, "little")
    prefix.with_name(prefix.name + ".index").write_bytes(table)
    prefix.with_name(prefix.name + ".data-00000-of-00001").write_bytes(data)
    return str(prefix)


def kernels(prefix, *shape):
    return {f"{prefix}/kernel": normal(*shape), f"{prefix}/bias": normal(shape[-1])}


def cell(prefix, features, units, gates=4):
    width = gates * units
    parts = {"kernel": (features, width), "recurrent_kernel": (units, width), "bias": (width,)}
    return {f"{prefix}/cell/{name}": normal(*shape) for name, shape in parts.items()}


def assert_weights(model, arrays):
    for one, two in zip(model.get_weights(), arrays, strict=True):
        np.testing.assert_array_equal(one, two)


def test_a_model_with_a_graph(tmp_path):
    arrays = {
        **{f"layer_with_weights-0/{name}": normal(4) for name in ("gamma", "beta", "moving_mean", "moving_variance")},
        **kernels("layer_with_weights-1/layer_with_weights-0", 4, 3),
        "save_counter": np.int32([1]),
    }
    inner = lamella.Sequential([lamella.Input((4,)), L.ReLU(), L.Dense(3)])
    model = lamella.Sequential([lamella.Input((4,)), L.BatchNormalization(), L.Dropout(0.5), inner])
    report = model.load_weights(write(tmp_path / "ckpt", arrays))
    assert len(report.loaded) == 6 and not report.skipped
    for layer_, names in ((model.layers[0], ("gamma", "beta", "moving_mean", "moving_variance")),):
        assert_weights(layer_, [arrays[f"layer_with_weights-0/{name}"] for name in names])
    assert_weights(inner, list(kernels_of(arrays, "layer_with_weights-1/layer_with_weights-0")))


def kernels_of(arrays, prefix):
    return arrays[f"{prefix}/kernel"], arrays[f"{prefix}/bias"]


def test_layers_made_of_layers(tmp_path):
    arrays = {
        **cell("layer_with_weights-0/forward_layer", 3, 4),
        **cell("layer_with_weights-0/backward_layer", 3, 4),
        **kernels("layer_with_weights-1/layer", 8, 2),
        "layer_with_weights-2/depthwise_kernel": normal(2, 2, 1),
        "layer_with_weights-2/bias": normal(2),
    }
    model = lamella.Sequential(
        [
            lamella.Input((5, 3)),
            L.Bidirectional(L.LSTM(4, return_sequences=True)),
            L.TimeDistributed(L.Dense(2)),
            L.DepthwiseConv1D(2),
        ]
    )
    model.load_weights(write(tmp_path / "ckpt", arrays) + ".index")
    assert_weights(model, arrays.values())


def test_a_model_of_ones_own(tmp_path):
    class Own(lamella.Model):
        def __init__(self):
            super().__init__()
            self.first = L.Dense(4)
            self.blocks = [L.Dense(4), L.Dense(2)]

        def call(self, x):
            return self.blocks[1](self.blocks[0](self.first(x)))

    arrays = {**kernels("first", 3, 4), **kernels("blocks/0", 4, 4), **kernels("blocks/1", 4, 2)}
    model = Own()
    model(np.ones((1, 3)))
    model.load_weights(write(tmp_path / "ckpt", arrays))
    assert_weights(model, arrays.values())


def test_what_does_not_fit(tmp_path):
    model = lamella.Sequential([lamella.Input((3,)), L.Dense(4), L.Dense(2)])
    before = model.get_weights()
    path = write(tmp_path / "ckpt", {**kernels("layer_with_weights-0", 3, 5), **kernels("layer_with_weights-1", 4, 2)})
    with pytest.raises(FileError, match=r"2 of 4 parts(.|\n)*kernel: it has shape \(3, 5\) in the file, \(3, 4\)"):
        model.load_weights(path)
    assert_weights(model, before)
    with pytest.warns(UserWarning, match="2 of 4 parts"):
        report = model.load_weights(path, skip_mismatch=True)
    assert len(report.loaded) == 2 and len(report.skipped) == 2


def saved_model(folder, arrays, config, **about):
    write(folder / "variables" / "variables", arrays)
    (folder / "saved_model.pb").write_bytes(b"\x08\x01")  # it is never read
    root = field(2, 0) + field(3, b"root") + field(5, json.dumps({**config, **about}).encode())
    (folder / "keras_metadata.pb").write_bytes(field(1, field(2, 1) + field(3, b"root.x")) + field(1, root))
    return folder


@pytest.mark.parametrize("numbered", [False, True])
def test_a_saved_model(tmp_path, numbered):
    said = {"units": 4, "activation": "tanh", "recurrent_activation": "hard_sigmoid", "batch_input_shape": [None, 5, 3]}
    config = sequential([layer("LSTM", "r", **said), dense("d", 2)])
    arrays = {**cell("layer_with_weights-0", 3, 4), **kernels("layer_with_weights-1", 4, 2)}
    stored = {f"variables/{at}": array for at, array in enumerate(arrays.values())} if numbered else arrays
    optimizer = {"class_name": "Adam", "config": {"name": "Adam", "learning_rate": 0.5, "decay": 0.0}}
    training = {"loss": "mse", "metrics": None, "loss_weights": None, "optimizer_config": optimizer}
    folder = saved_model(tmp_path / "saved", stored, config, training_config=training)
    model = lamella.saving.load_model(folder)
    assert_weights(model, arrays.values())
    assert "hard_sigmoid_of_keras_2" in repr(model.layers[0].recurrent_activation)
    assert float(model.optimizer.learning_rate) == 0.5
    other = lamella.Sequential([lamella.Input((5, 3)), L.LSTM(4), L.Dense(2)])
    other.load_weights(folder)
    assert_weights(other, arrays.values())


def test_saved_models_without_a_config_say_the_way(tmp_path):
    folder = saved_model(tmp_path / "saved", {}, {"class_name": "Own", "config": {}})
    with pytest.raises(FileError, match=r"'Own', of which it keeps no layers(.|\n)*load_weights"):
        lamella.saving.load_model(folder)
    (folder / "keras_metadata.pb").unlink()
    with pytest.raises(FileError, match=r"without the config of a Keras model(.|\n)*load_weights"):
        lamella.saving.load_model(folder)


@pytest.mark.sample(12)
@pytest.mark.parametrize("at", range(0, 230, 5))
@pytest.mark.parametrize("ending", [".index", ".data-00000-of-00001"])
def test_damaged_bytes_are_refused_or_read(tmp_path, at, ending):
    path = write(tmp_path / "ckpt", kernels("layer_with_weights-0", 3, 4))
    file = tmp_path / f"ckpt{ending}"
    data = bytearray(file.read_bytes())
    for damaged in (data[: at % len(data)], data[: at % len(data)] + b"\xff" * 9 + data[at % len(data) + 9 :]):
        file.write_bytes(damaged)
        model = lamella.Sequential([lamella.Input((3,)), L.Dense(4)])
        try:
            model.load_weights(path)
        except FileError as error:
            assert "ckpt" in str(error)
