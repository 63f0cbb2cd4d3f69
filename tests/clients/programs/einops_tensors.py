"""einops: its functions on Lamella's arrays, inside of layers, and on what a Functional model is made of."""

import keras
import numpy as np
from einops import einsum, rearrange, reduce, repeat


class Patches(keras.layers.Layer):
    def call(self, images):
        return rearrange(images, "b (h p) (w q) c -> b (h w) (p q c)", p=4, q=4)


model = keras.Sequential([keras.Input((8, 8, 3)), Patches(), keras.layers.Dense(5)])
model.compile("adam", "mse")
x = np.random.default_rng(0).random((4, 8, 8, 3), "float32")
model.fit(x, np.zeros((4, 4, 5)), verbose=0)
np.testing.assert_array_equal(Patches()(x), x.reshape(4, 2, 4, 2, 4, 3).transpose(0, 1, 3, 2, 4, 5).reshape(4, 4, 48))

ones = keras.ops.ones((2, 3, 4))
assert rearrange(ones, "a b c -> c (a b)").shape == (4, 6)
assert reduce(ones, "a b c -> a", "mean").shape == (2,)
assert repeat(ones, "a b c -> a b r c", r=2).shape == (2, 3, 2, 4)
assert einsum(ones, ones, "a b c, a d c -> b d").shape == (3, 3)
print("ok")
