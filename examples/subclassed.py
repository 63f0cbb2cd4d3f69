"""A subclassed model: build it from a shape, read and change its weights."""

import numpy as np

import lamella as keras


class TwoLayers(keras.Model):
    def __init__(self):
        super().__init__()
        self.hidden = keras.layers.Dense(64, activation="relu")
        self.out = keras.layers.Dense(10)

    def call(self, x):
        return self.out(self.hidden(x))


model = TwoLayers()
model.build((None, 32))
model.summary()

weights = model.layers[0].weights
print(weights[0].numpy().shape, weights[0].path)
x = np.ones((1, 32), "float32")
before = model.predict(x, verbose=0)
weights[0].assign(weights[0].numpy() * 2)
print("the prediction follows:", not np.allclose(before, model.predict(x, verbose=0)))
