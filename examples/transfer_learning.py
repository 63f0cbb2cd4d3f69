"""A frozen base under augmentation and a new head; then its top is fine-tuned.

The pictures are made up, so that this runs anywhere in seconds.  With real ones,
say weights="imagenet" and train for longer.
"""

import numpy as np

import lamella as keras
from lamella.applications.mobilenet_v2 import MobileNetV2, preprocess_input

SIZE = 64
random = np.random.default_rng(0)
labels = random.integers(0, 2, 64).astype("float32")
pictures = random.uniform(0, 80, (64, SIZE, SIZE, 3)).astype("float32") + 150 * labels[:, None, None, None]

augmentation = keras.Sequential([keras.layers.RandomFlip("horizontal"), keras.layers.RandomRotation(0.2)])
base = MobileNetV2(input_shape=(SIZE, SIZE, 3), include_top=False, weights=None)
base.trainable = False

inputs = keras.Input((SIZE, SIZE, 3))
x = augmentation(inputs)
x = preprocess_input(x)
x = base(x, training=False)
x = keras.layers.GlobalAveragePooling2D()(x)
x = keras.layers.Dropout(0.2)(x)
outputs = keras.layers.Dense(1, activation="sigmoid")(x)
model = keras.Model(inputs, outputs)

assert base in model.layers and len(base.layers) == 154
model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
model.fit(pictures, labels, epochs=1)

base.trainable = True
for layer in base.layers[:120]:
    layer.trainable = False
model.compile(keras.optimizers.Adam(1e-4), "binary_crossentropy", metrics=["accuracy"])
model.fit(pictures, labels, epochs=1)
model.summary(show_trainable=True)
