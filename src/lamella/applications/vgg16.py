"""VGG with 16 layers that have weights."""

from __future__ import annotations

from lamella.applications.application import preprocessing
from lamella.applications.imagenet_utils import decode_predictions
from lamella.applications.vgg import vgg

__all__ = ["VGG16", "decode_predictions", "preprocess_input"]

preprocess_input = preprocessing("caffe", __name__)
VGG16 = vgg("VGG16", __name__, (2, 2, 3, 3, 3), "64373286793e3c8b2b4e3219cbf3544b", "6d6bbae143d832006294945121d1f1fc")
