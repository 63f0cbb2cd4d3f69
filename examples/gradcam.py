"""Grad-CAM: which places in a picture speak for a class (Selvaraju et al. 2017, https://arxiv.org/abs/1610.02391).

The picture and the weights are made up, so that this runs anywhere in seconds;
with real ones, say weights="imagenet".
"""

import numpy as np

import lamella as keras
from lamella.applications.mobilenet_v2 import MobileNetV2

model = MobileNetV2(input_shape=(96, 96, 3), weights=None, classifier_activation=None)
picture = np.random.default_rng(0).uniform(-1, 1, (1, 96, 96, 3)).astype("float32")
likeliest = int(np.argmax(model.predict(picture)))

tap = model.anatomy.tap("out_relu", grad=True, target=lambda scores: scores[:, likeliest])
value, slope = tap.predict(picture)["out_relu"]
heat = keras.ops.relu((value * slope.mean((1, 2), keepdims=True)).sum(-1))

assert heat.shape == (1, 3, 3)
print(np.round(heat[0] / heat.max(), 2))
