import tensorflow as tf

model = tf.keras.models.Sequential()
model.add(tf.keras.layers.Conv2D(4, (3, 3), activation="relu", input_shape=(16, 16, 1)))
model.add(tf.keras.layers.MaxPooling2D((2, 2)))
model.add(tf.keras.layers.Conv2D(8, (3, 3), activation=tf.nn.relu))
model.add(tf.keras.layers.Flatten())
model.add(tf.keras.layers.Dense(10, activation="softmax"))
print(model.layers[0].weights)
print(model.layers[4].name, model.layers[4].output.shape, model.layers[-1].kernel.shape)
kernel, bias = model.layers[4].get_weights()
assert kernel.shape == (200, 10) and bias.shape == (10,)
model.layers[4].set_weights([kernel * 0, bias + 1])
assert float(tf.reduce_sum(model.layers[4].weights[1])) == 10.0
for i, layer in enumerate(model.layers):
    print(i, layer.name, layer.trainable, len(layer.weights))
model.summary()
