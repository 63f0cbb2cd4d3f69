"""visualkeras: draws the graph of a model with a branch (`layered_view` asks for what Keras 3 does not have)."""

import keras
import visualkeras
from keras import layers

x = keras.Input((4,))
branched = keras.Model(x, layers.Add()([layers.Dense(3)(x), layers.Dense(3)(x)]))
picture = visualkeras.graph_view(branched)
assert picture.size[0] > 50 and picture.size[1] > 20 and len(picture.getcolors(100_000)) > 2
print("ok")
