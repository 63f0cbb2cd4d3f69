"""What `keras.visualization` promises: boxes and masks drawn on images, and galleries of them."""

from lamella.visualization.bounding_boxes import draw_bounding_boxes
from lamella.visualization.gallery import (
    plot_bounding_box_gallery,
    plot_image_gallery,
    plot_segmentation_mask_gallery,
)
from lamella.visualization.segmentation_masks import draw_segmentation_masks

__all__ = [
    "draw_bounding_boxes",
    "draw_segmentation_masks",
    "plot_bounding_box_gallery",
    "plot_image_gallery",
    "plot_segmentation_mask_gallery",
]
