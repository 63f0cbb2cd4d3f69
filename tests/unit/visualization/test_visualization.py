"""Boxes and masks drawn on images as Keras draws them."""

import keras
import numpy as np
import pytest

from lamella.errors import MissingExtraError
from lamella.visualization import draw_bounding_boxes, draw_segmentation_masks, plot_image_gallery

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 255, (2, 30, 40, 3)).astype("float32")
BOXES = {"boxes": np.array([[[5, 10, 20, 25]], [[30, 20, 60, 50]]], "float32"), "labels": np.array([[0], [1]])}
RED = (255, 0, 0)


def is_red(images):
    return (images == np.array(RED)).all(-1)


def test_the_frame_of_a_box():
    drawn = is_red(draw_bounding_boxes(np.zeros_like(IMAGES), BOXES, "xyxy", color=RED, line_thickness=1))
    expected = np.zeros((30, 40), bool)
    expected[10:26, 5:21] = True
    expected[11:25, 6:20] = False
    np.testing.assert_array_equal(drawn[0], expected)
    assert drawn[1, 20, 30:].all() and drawn[1, 20:, 30].all() and drawn[1].sum() == 19  # the rest is outside


def test_formats_and_layouts_agree():
    options = {"color": RED, "class_mapping": {0: "cat"}, "font_scale": 0.4}
    drawn = draw_bounding_boxes(IMAGES, BOXES, "xyxy", **options)
    relative = {**BOXES, "boxes": BOXES["boxes"] / np.array([40, 30, 40, 30])}
    np.testing.assert_array_equal(draw_bounding_boxes(IMAGES, relative, "rel_xyxy", **options), drawn)
    first = draw_bounding_boxes(np.moveaxis(IMAGES, -1, 1), BOXES, "xyxy", data_format="channels_first", **options)
    np.testing.assert_array_equal(np.moveaxis(first, 1, -1), drawn)


def test_names_confidences_and_what_is_not_drawn():
    plain = draw_bounding_boxes(IMAGES, BOXES, "xyxy")
    named = draw_bounding_boxes(IMAGES, {**BOXES, "confidences": [[0.5], [0.5]]}, "xyxy", {0: "cat"})
    assert (named[0] != plain[0]).any() and (named[1] == plain[1]).all()
    hidden = draw_bounding_boxes(IMAGES, {**BOXES, "labels": np.full((2, 1), -1)}, "xyxy")
    np.testing.assert_array_equal(hidden, IMAGES.astype("uint8"))
    assert draw_bounding_boxes(IMAGES / 255, BOXES, "xyxy").max() > 200


@pytest.mark.parametrize(
    "options",
    [
        {"num_classes": 3},
        {"num_classes": 4, "ignore_index": 2, "alpha": 0.3},
        {"num_classes": 2, "color_mapping": {0: (9, 9, 9), 1: (200, 1, 1)}, "blend": False},
    ],
)
def test_masks_as_in_keras(options):
    masks = RNG.integers(-1, 4, (2, 30, 40, 1))
    drawn, expected = draw_segmentation_masks(IMAGES, masks, **options), None
    expected = np.asarray(keras.visualization.draw_segmentation_masks(IMAGES, masks, **options))
    assert drawn.dtype == expected.dtype
    np.testing.assert_array_equal(drawn, expected)


def test_masks_of_every_class_and_without_a_channel():
    masks = RNG.integers(0, 3, (2, 30, 40))
    drawn = draw_segmentation_masks(IMAGES, masks)
    np.testing.assert_array_equal(drawn, draw_segmentation_masks(IMAGES, masks[..., None], num_classes=3))
    some = draw_segmentation_masks(IMAGES, masks, color_mapping={1: RED}, alpha=1.0)
    np.testing.assert_array_equal(is_red(some), masks == 1)


def test_what_cannot_be_drawn():
    with pytest.raises(ValueError, match="batch of images"):
        draw_bounding_boxes(IMAGES[0], BOXES, "xyxy")
    with pytest.raises(TypeError, match="should be a dict"):
        draw_bounding_boxes(IMAGES, BOXES["boxes"], "xyxy")
    with pytest.raises(ValueError, match="'boxes' and 'labels'"):
        draw_bounding_boxes(IMAGES, {"boxes": BOXES["boxes"]}, "xyxy")
    with pytest.raises(TypeError, match="integer dtype"):
        draw_segmentation_masks(IMAGES, IMAGES[..., :1])
    with pytest.raises(ValueError, match="one class number for each pixel"):
        draw_segmentation_masks(IMAGES, np.zeros((2, 5, 5), int))


def test_galleries_say_what_they_need():
    with pytest.raises(ValueError, match="not both"):
        plot_image_gallery(IMAGES, path="x.png", show=True)
    with pytest.raises(ValueError, match="need names"):
        plot_image_gallery(IMAGES, y_true=[0, 1])
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        with pytest.raises(MissingExtraError, match="needs matplotlib"):
            plot_image_gallery(IMAGES)


def test_a_gallery_is_saved(tmp_path):
    pytest.importorskip("matplotlib").use("agg")
    plot_image_gallery(IMAGES, y_true=[0, 1], label_map={0: "cat"}, path=tmp_path / "gallery.png")
    assert (tmp_path / "gallery.png").stat().st_size > 0
