"""Sounds in folders, one folder a class."""

import wave

import numpy as np
import pytest

from lamella.errors import ArgumentError, DataError, FileError
from lamella.utils import audio_dataset_from_directory


def write(path, samples, rate=8000, width=2):
    with wave.open(str(path), "wb") as file:
        file.setnchannels(samples.shape[1])
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(samples.astype({1: "u1", 2: "<i2", 3: "<i2", 4: "<i4"}[width]).tobytes())


@pytest.fixture
def sounds(tmp_path):
    for number, name in enumerate(("bark", "meow")):
        (tmp_path / name).mkdir()
        for i in range(3):
            write(tmp_path / name / f"{i}.wav", np.full((10 + i, 2), 16384 >> number))
    return tmp_path


def read(directory, **options):
    return audio_dataset_from_directory(directory, **{"shuffle": False, "verbose": False, **options})


def test_batches_are_filled_up_to_the_longest(sounds):
    batches = read(sounds, batch_size=4)
    (x, y), (second, _) = batches[0], batches[1]
    assert x.shape == (4, 12, 2) and x.dtype == np.float32 and second.shape == (2, 12, 2)
    assert x[:, 9, 0].tolist() == [0.5, 0.5, 0.5, 0.25] and x[:, 10, 0].tolist() == [0, 0.5, 0.5, 0]
    assert y.tolist() == [0, 0, 0, 1] and batches.class_names == ["bark", "meow"]


@pytest.mark.parametrize("length", [4, 20])
def test_a_length(sounds, length):
    x, _ = read(sounds, output_sequence_length=length)[0]
    assert x.shape == (6, length, 2) and (x[0] != 0).sum() == 2 * min(length, 10)


def test_single_sounds_and_parts(sounds):
    training, validation = read(sounds, batch_size=None, subset="both", validation_split=0.5, labels=None)
    assert training[1].shape == (11, 2) and len(validation) == 3


@pytest.mark.parametrize(("width", "values"), [(1, [0, 128, 192]), (4, [-(2**31), 0, 2**30])])
def test_other_widths(tmp_path, width, values):
    write(tmp_path / "a.wav", np.array(values)[:, None], width=width)
    assert read(tmp_path, labels=None)[0][0, :, 0].tolist() == [-1, 0, 0.5]


def test_another_rate(tmp_path):
    time = np.arange(800) / 8000
    write(tmp_path / "a.wav", (8192 * np.sin(2 * np.pi * 200 * time))[:, None])
    x = read(tmp_path, labels=None, sampling_rate=16000)[0][0, :, 0]
    assert x.shape == (1600,)
    expected = 0.25 * np.sin(2 * np.pi * 200 * np.arange(1600) / 16000)
    np.testing.assert_allclose(x[200:-200], expected[200:-200], atol=2e-3)


@pytest.mark.parametrize(
    "options",
    [{"ragged": True}, {"sampling_rate": 8000.0}, {"sampling_rate": 0}, {"output_sequence_length": -1}],
)
def test_refused(sounds, options):
    with pytest.raises(ArgumentError):
        read(sounds, **options)


def test_files_that_do_not_fit(tmp_path):
    (tmp_path / "a.wav").write_bytes(b"RIFF")
    with pytest.raises(FileError, match="no sound"):
        read(tmp_path, labels=None)[0]
    write(tmp_path / "a.wav", np.zeros((6, 1)), width=3)
    with pytest.raises(FileError, match="24 bits"):
        read(tmp_path, labels=None)[0]
    write(tmp_path / "a.wav", np.zeros((6, 1)))
    write(tmp_path / "b.wav", np.zeros((6, 2)))
    with pytest.raises(DataError, match="channels"):
        read(tmp_path, labels=None)[0]


def test_as_tensorflow_reads_them(sounds):
    tf = pytest.importorskip("tensorflow")
    random = np.random.default_rng(0).integers(-(2**15), 2**15, (50, 2))
    write(sounds / "bark" / "0.wav", random)
    theirs, _ = tf.audio.decode_wav((sounds / "bark" / "0.wav").read_bytes(), desired_samples=60)
    np.testing.assert_array_equal(read(sounds, output_sequence_length=60)[0][0][0], theirs.numpy())
