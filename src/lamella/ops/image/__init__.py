"""keras.ops.image: images as tensors (batch, height, width, channels), or channels first."""

from lamella.ops.image.color import hsv_to_rgb, rgb_to_grayscale, rgb_to_hsv
from lamella.ops.image.filter import gaussian_blur, sobel_edges, ssim
from lamella.ops.image.size import (
    crop_images,
    extract_patches,
    extract_patches_3d,
    pad_images,
    resize,
    scale_and_translate,
)
from lamella.ops.image.warp import (
    affine_transform,
    elastic_transform,
    homography,
    map_coordinates,
    perspective_transform,
)

__all__ = [
    "affine_transform",
    "crop_images",
    "elastic_transform",
    "extract_patches",
    "extract_patches_3d",
    "gaussian_blur",
    "homography",
    "hsv_to_rgb",
    "map_coordinates",
    "pad_images",
    "perspective_transform",
    "resize",
    "rgb_to_grayscale",
    "rgb_to_hsv",
    "scale_and_translate",
    "sobel_edges",
    "ssim",
]
