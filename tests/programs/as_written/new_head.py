from tensorflow import keras
from tensorflow.keras.layers import Dense, Flatten
from tensorflow.keras.models import Model

base_model = keras.applications.VGG16(weights=None, include_top=False, input_shape=(32, 32, 3))
for layer in base_model.layers:
    layer.trainable = False
x = Flatten()(base_model.output)
x = Dense(8, activation="relu")(x)
predictions = Dense(3, activation="softmax", name="predictions")(x)
model = Model(inputs=base_model.input, outputs=predictions)
assert model.layers[1] is base_model.layers[1]
assert len(model.trainable_weights) == 4
features = Model(inputs=model.input, outputs=model.get_layer("block3_pool").output)
assert features.output_shape == (None, 4, 4, 256)
for layer in model.layers[-4:]:
    print(layer.name, layer.output.shape)
