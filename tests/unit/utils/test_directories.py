"""Images and texts in folders, one folder a class."""

from __future__ import annotations

import numpy as np
import pytest

from lamella.errors import ArgumentError, DataError, FileError, UnknownNameError
from lamella.utils import (
    array_to_img,
    image_dataset_from_directory,
    img_to_array,
    load_img,
    save_img,
    smart_resize,
    text_dataset_from_directory,
)


@pytest.fixture
def pictures(tmp_path):
    for value, name in ((50, "cats"), (200, "dogs")):
        (tmp_path / name).mkdir()
        for i in range(5):
            save_img(tmp_path / name / f"{i}.png", np.full((6, 8, 3), value + i), scale=False)
    return tmp_path


def read(directory, **kwargs):
    return image_dataset_from_directory(directory, **{"image_size": (4, 4), "verbose": False, **kwargs})


def test_batches(pictures):
    batches = read(pictures, shuffle=False, batch_size=4)
    assert batches.class_names == ["cats", "dogs"] and len(batches) == 3 and len(batches.file_paths) == 10
    x, y = batches[1]
    assert x.shape == (4, 4, 4, 3) and x.dtype == np.float32
    assert x[:, 0, 0, 0].tolist() == [54, 200, 201, 202] and y.tolist() == [0, 1, 1, 1]


@pytest.mark.parametrize(
    ("mode", "labels"), [("categorical", [[1, 0], [0, 1]]), ("binary", [[0], [1]]), ("int", [0, 1])]
)
def test_labels(pictures, mode, labels):
    _, y = read(pictures, shuffle=False, label_mode=mode, batch_size=10)[0]
    assert y[[0, 9]].tolist() == labels


def test_without_labels(pictures):
    assert read(pictures, labels=None, batch_size=10)[0].shape == (10, 4, 4, 3)


def test_training_and_validation_do_not_overlap(pictures):
    training, validation = read(pictures, validation_split=0.3, subset="both", seed=1)
    alone = read(pictures, validation_split=0.3, subset="validation", seed=1)
    assert len(training.file_paths) == 7 and not set(training.file_paths) & set(validation.file_paths)
    assert validation.file_paths == alone.file_paths


def test_labels_follow_their_images_when_shuffled(pictures):
    batches = read(pictures, seed=1, batch_size=10)
    for _ in range(2):
        x, y = batches[0]
        assert ((x[:, 0, 0, 0] > 100) == y).all() and y.tolist() != sorted(y.tolist())
        batches.on_epoch_end()


@pytest.mark.parametrize("how", [{"crop_to_aspect_ratio": True}, {"pad_to_aspect_ratio": True}, {"color_mode": "rgba"}])
def test_sizes(pictures, how):
    x, _ = read(pictures, data_format="channels_first", **how)[0]
    assert x.shape == (10, 4 if "color_mode" in how else 3, 4, 4)


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"label_mode": "many"}, UnknownNameError),
        ({"subset": "training"}, ArgumentError),
        ({"validation_split": 0.5, "subset": "training"}, ArgumentError),
        ({"labels": [0, 1]}, DataError),
        ({"class_names": ["birds"]}, ArgumentError),
        ({"interpolation": "magic"}, UnknownNameError),
    ],
)
def test_refusals(pictures, wrong, error):
    with pytest.raises(error):
        read(pictures, **wrong)


def test_missing_folders_and_files(tmp_path):
    with pytest.raises(FileError, match="no such folder"):
        read(tmp_path / "none")
    with pytest.raises(FileError, match="no files that end in"):
        read(tmp_path, labels=None)


def test_texts(tmp_path):
    for name, text in (("bad", "so so"), ("good", "grüße")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.txt").write_text(text, encoding="utf-8")
    texts, y = text_dataset_from_directory(tmp_path, shuffle=False, verbose=False)[0]
    assert texts.tolist() == ["so so", "grüße"] and y.tolist() == [0, 1]
    assert text_dataset_from_directory(tmp_path, labels=None, max_length=2, verbose=False, shuffle=False)[0][0] == "so"


def test_images_there_and_back(tmp_path):
    import keras

    x = np.random.RandomState(0).randint(0, 255, (5, 7, 3)).astype("float32")
    np.testing.assert_array_equal(img_to_array(array_to_img(x, scale=False)), x)
    np.testing.assert_array_equal(array_to_img(x), keras.utils.array_to_img(x))
    save_img(tmp_path / "a.png", x, scale=False)
    for how in ({}, {"color_mode": "grayscale"}, {"target_size": (3, 3), "keep_aspect_ratio": True}):
        np.testing.assert_array_equal(
            load_img(tmp_path / "a.png", **how), keras.utils.load_img(tmp_path / "a.png", **how)
        )
    expected = keras.preprocessing.image.smart_resize(x, (4, 4))
    np.testing.assert_allclose(smart_resize(x, (4, 4)), expected, rtol=1e-5)


def test_what_is_no_image(tmp_path):
    (tmp_path / "a.png").write_text("text")
    with pytest.raises(FileError, match="no image"):
        load_img(tmp_path / "a.png")
