"""One model used twice in another: which of two numbers of dots is larger?"""

import numpy as np

import lamella as keras
from lamella import layers

random = np.random.default_rng(0)


def pictures(counts):
    """16×16 pictures with as many bright dots as the counts say."""
    x = np.zeros((len(counts), 256), "float32")
    for row, count in zip(x, counts, strict=True):
        row[random.choice(256, count, replace=False)] = 1
    return x.reshape(-1, 16, 16, 1)


shared = keras.Sequential(
    [layers.Input((16, 16, 1)), layers.Conv2D(8, 3, activation="relu"), layers.GlobalAveragePooling2D()], name="shared"
)
left, right = keras.Input((16, 16, 1), name="left"), keras.Input((16, 16, 1), name="right")
both = layers.concatenate([shared(left), shared(right)])
model = keras.Model([left, right], layers.Dense(1, activation="sigmoid")(both))
print(f"{model.count_params()} parameters, {shared.count_params()} of them in the shared model, counted once")

counts = random.integers(5, 60, (2, 512))
y = (counts[0] > counts[1]).astype("float32")
model.compile(keras.optimizers.Adam(0.02), "binary_crossentropy", metrics=["accuracy"])
history = model.fit([pictures(counts[0]), pictures(counts[1])], y, epochs=8, batch_size=64, verbose=2)
assert history.history["accuracy"][-1] > 0.8
