"""Spectrogram layers against Keras."""

import json

import keras
import numpy as np
import pytest
from layer_parity import array, check, same_config

import lamella

SOUND = array((2, 100, 2)) / 2
MODES = ["log", "magnitude", "psd", "real", "imag", "angle", "stft"]


@pytest.mark.sample(3)
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    "options",
    [
        {"data_format": "channels_last"},
        {"data_format": "channels_last", "expand_dims": True, "padding": "same", "scaling": "spectrum"},
        {"data_format": "channels_first", "window": "hamming", "periodic": True, "fft_length": 32},
        {"data_format": "channels_first", "expand_dims": True, "window": None, "scaling": None, "frame_step": 5},
    ],
)
def test_stft_spectrogram(mode, options):
    x = SOUND if options["data_format"] == "channels_last" else SOUND.transpose(0, 2, 1).copy()
    check("STFTSpectrogram", x, mode, 16, **options)


@pytest.mark.parametrize("trainable", [True, False])
def test_its_first_weights(trainable):
    theirs, ours = (m.layers.STFTSpectrogram(frame_length=20, trainable=trainable, name="s") for m in (keras, lamella))
    same_config(theirs, ours)
    theirs.build(SOUND.shape), ours.build(SOUND.shape)
    assert len(ours.trainable_weights) == len(theirs.trainable_weights)
    for mine, real in zip(ours.weights, theirs.weights, strict=True):
        assert mine.path == real.path
        np.testing.assert_allclose(mine.value, real.value, atol=1e-6)
    np.testing.assert_allclose(ours(SOUND), theirs(SOUND), rtol=1e-4, atol=1e-5)


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"power_to_db": False, "mag_exp": 1.0, "window": "hamming"},
        {"top_db": 20.0, "ref_power": 2.0, "sequence_length": 24, "max_freq": 3000.0, "window": None},
    ],
)
@pytest.mark.parametrize("shape", [(2, 100), (90,)])
def test_mel_spectrogram(shape, options):
    x = array(shape)
    options = {"fft_length": 32, "sequence_stride": 8, "num_mel_bins": 6, "name": "mel", **options}
    theirs, ours = (m.layers.MelSpectrogram(**options) for m in (keras, lamella))
    same_config(theirs, ours)
    real = theirs(x)
    np.testing.assert_allclose(ours(x), real, rtol=1e-4, atol=1e-4)
    assert ours.compute_output_shape(shape) == real.shape == ours(lamella.Input(batch_shape=shape)).shape


def test_bands():
    theirs, ours = (m.layers.MelSpectrogram().linear_to_mel_weight_matrix() for m in (keras, lamella))
    np.testing.assert_allclose(ours, theirs, atol=1e-5)


@pytest.mark.sample(2)
@pytest.mark.parametrize("time", [95, 96, 97])
@pytest.mark.parametrize("fft_length", [31, 32])
def test_the_number_of_pieces(time, fft_length):
    layer = lamella.layers.MelSpectrogram(fft_length, 8, num_mel_bins=4)
    assert layer.compute_output_shape((None, time))[1:] == layer(array((1, time))).shape[1:]


@pytest.mark.parametrize("writer", [keras, lamella], ids=["of keras", "for keras"])
def test_files(tmp_path, writer):
    reader = lamella if writer is keras else keras
    stft = writer.layers.STFTSpectrogram("magnitude", 16, trainable=True, name="stft")
    model = writer.Sequential([writer.Input((100, 2)), stft, writer.layers.Dense(2, name="d")])
    model.save(tmp_path / "m.keras")
    read = reader.saving.load_model(tmp_path / "m.keras")
    np.testing.assert_allclose(read.predict(SOUND, verbose=0), model.predict(SOUND, verbose=0), rtol=1e-4, atol=1e-5)


def test_a_window_of_numbers():
    window = np.hanning(16)
    theirs, ours = (m.layers.STFTSpectrogram("magnitude", 16, window=window) for m in (keras, lamella))
    np.testing.assert_allclose(ours(SOUND), theirs(SOUND), rtol=1e-4, atol=1e-5)
    again = lamella.layers.deserialize(json.loads(json.dumps(lamella.layers.serialize(ours))))
    np.testing.assert_allclose(again(SOUND), ours(SOUND), rtol=1e-6)
