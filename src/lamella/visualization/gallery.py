"""Images in rows and columns, drawn by matplotlib."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lamella.errors import ArgumentError, MissingExtraError
from lamella.ops import convert_to_numpy
from lamella.visualization.batches import channels_last
from lamella.visualization.bounding_boxes import draw_bounding_boxes
from lamella.visualization.segmentation_masks import draw_segmentation_masks


def _pyplot(what: str) -> Any:
    try:
        import matplotlib.pyplot as pyplot  # type: ignore[import-not-found]
    except ImportError as error:
        raise MissingExtraError(f"{what}() needs matplotlib.", fix="pip install lamella[visualization]") from error
    return pyplot


def plot_image_gallery(
    images: Any,
    y_true: Any = None,
    y_pred: Any = None,
    label_map: Mapping[int, str] | None = None,
    rows: int | None = None,
    cols: int | None = None,
    value_range: Sequence[float] = (0, 255),
    scale: float = 2,
    path: Any = None,
    show: bool | None = None,
    transparent: bool = True,
    dpi: int = 60,
    legend_handles: Any = None,
    data_format: str | None = None,
) -> None:
    """Shows images in rows and columns, or saves that as a file.

    Args:   images: (batch, height, width, channels).
            y_true, y_pred: the class of each image, written above it by its name in `label_map`.
            rows, cols: how many; about a square by default.
            value_range: what is black and what is white.
            scale: the size of an image, in inches.
            path: the file to write; by default the figure is shown.
            show: False for neither.
            legend_handles: matplotlib's handles of a legend.
    Raises: ArgumentError: `path` and `show` together, or classes without `label_map`.
            MissingExtraError: matplotlib is not installed.  ShapeError: no batch of images.
    """
    if path is not None and show:
        raise ArgumentError("A gallery is saved (`path`) or shown (`show`), not both.")
    if (y_true is not None or y_pred is not None) and label_map is None:
        raise ArgumentError("The classes of `y_true` and `y_pred` need names.", fix="pass label_map={0: …, 1: …}")
    pyplot = _pyplot("plot_image_gallery")
    pictures, _ = channels_last(images, data_format)
    rows = rows or math.ceil(math.sqrt(len(pictures)))
    cols = cols or math.ceil(len(pictures) / rows)
    figure, axes = pyplot.subplots(
        rows, cols, figsize=(cols * scale, rows * scale), frameon=False, layout="tight", squeeze=False
    )
    if legend_handles is not None:
        figure.legend(handles=legend_handles, loc="lower center")
    low, high = value_range
    shown = ((pictures.astype("float32") - low) * (255 / (high - low))).clip(0, 255).astype("uint8")
    for index, axis in enumerate(axes.flat):
        axis.axis("off")
        if index < len(shown):
            axis.imshow(shown[index], cmap="gray")
            axis.set_title(_title(index, label_map or {}, y_true, y_pred), fontsize=8)
    if path is not None:
        figure.savefig(path, pad_inches=0, bbox_inches="tight", transparent=transparent, dpi=dpi)
    elif show is None or show:
        pyplot.show()
    if path is not None or show is None or show:
        pyplot.close(figure)


def _title(index: int, names: Mapping[int, str], y_true: Any, y_pred: Any) -> str:
    parts = []
    for label, classes in (("Label", y_true), ("Pred", y_pred)):
        if classes is not None and index < len(classes):
            parts.append(f"{label}: {names.get(convert_to_numpy(classes)[index].item(), 'Unknown')}")
    return "  ".join(parts)


def plot_bounding_box_gallery(
    images: Any,
    bounding_box_format: str,
    y_true: dict[str, Any] | None = None,
    y_pred: dict[str, Any] | None = None,
    value_range: Sequence[float] = (0, 255),
    true_color: Sequence[int] = (0, 188, 212),
    pred_color: Sequence[int] = (255, 235, 59),
    line_thickness: int = 2,
    font_scale: float = 1.0,
    text_thickness: int | None = None,
    class_mapping: Mapping[int, str] | None = None,
    ground_truth_mapping: Mapping[int, str] | None = None,
    prediction_mapping: Mapping[int, str] | None = None,
    legend: bool = False,
    legend_handles: Any = None,
    rows: int | None = None,
    cols: int | None = None,
    data_format: str | None = None,
    **kwargs: Any,
) -> None:
    """Shows images with the true and the predicted boxes drawn on.

    Args:   y_true, y_pred: boxes and labels, as `draw_bounding_boxes` takes them.
            ground_truth_mapping, prediction_mapping: names of classes; `class_mapping` stands in for both.
            legend: says below which color is which.
            kwargs: further arguments of `plot_image_gallery`.
    Raises: as `draw_bounding_boxes` and `plot_image_gallery` do; ArgumentError: `legend` and `legend_handles`.
    """
    if legend and legend_handles:
        raise ArgumentError("Pass `legend` or `legend_handles`, not both.")
    _pyplot("plot_bounding_box_gallery")
    pictures, _ = channels_last(images, data_format)
    for boxes, color, names in (
        (y_true, true_color, ground_truth_mapping or class_mapping),
        (y_pred, pred_color, prediction_mapping or class_mapping),
    ):
        if boxes is not None:
            pictures = draw_bounding_boxes(
                pictures,
                boxes,
                bounding_box_format,
                names,
                color,
                line_thickness,
                text_thickness,
                font_scale,
                "channels_last",
            )
    if legend:
        legend_handles = _handles({"Ground Truth": true_color, "Prediction": pred_color})
    plot_image_gallery(
        pictures,
        value_range=value_range,
        legend_handles=legend_handles,
        rows=rows,
        cols=cols,
        data_format="channels_last",
        **kwargs,
    )


def _handles(colors: Mapping[str, Sequence[int]]) -> list[Any]:
    from matplotlib.patches import Patch  # type: ignore[import-not-found]

    return [Patch(color=np.array(color) / 255.0, label=label) for label, color in colors.items()]


def plot_segmentation_mask_gallery(
    images: Any,
    num_classes: int | None,
    value_range: Sequence[float] = (0, 255),
    y_true: Any = None,
    y_pred: Any = None,
    color_mapping: Mapping[int, Sequence[float]] | None = None,
    blend: bool = True,
    alpha: float = 0.8,
    ignore_index: int = -1,
    data_format: str | None = None,
    **kwargs: Any,
) -> None:
    """Shows a row for each image: itself, with the true masks, and with the predicted ones.

    Args:   y_true, y_pred: class numbers, as `draw_segmentation_masks` takes them.
            kwargs: further arguments of `plot_image_gallery`.
    Raises: as `draw_segmentation_masks` and `plot_image_gallery` do.
    """
    pictures, first = channels_last(images, data_format)
    columns = [pictures]
    for masks in (y_true, y_pred):
        if masks is not None:
            numbers = convert_to_numpy(masks).astype("int32")
            numbers = np.moveaxis(numbers, 1, -1) if first and numbers.ndim == 4 else numbers
            columns.append(
                draw_segmentation_masks(
                    pictures, numbers, num_classes, color_mapping, alpha, blend, ignore_index, "channels_last"
                )
            )
    gallery = np.stack(columns, axis=1).reshape(-1, *pictures.shape[1:])
    plot_image_gallery(
        gallery,
        value_range=value_range,
        rows=len(pictures),
        cols=len(columns),
        data_format="channels_last",
        **kwargs,
    )
