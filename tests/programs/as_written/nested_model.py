import tensorflow as tf

encoder = tf.keras.Sequential(
    [tf.keras.layers.Dense(8, activation="relu", input_shape=(4,)), tf.keras.layers.Dense(2)], name="encoder"
)
decoder = tf.keras.Sequential([tf.keras.layers.Dense(8, activation="relu", input_shape=(2,)), tf.keras.layers.Dense(4)])
inputs = tf.keras.layers.Input(shape=(4,))
autoencoder = tf.keras.Model(inputs, decoder(encoder(inputs)), name="autoencoder")
print(autoencoder.layers, autoencoder.get_layer("encoder").layers[0].weights[0].shape)
autoencoder.compile(optimizer="adam", loss=tf.keras.losses.MeanSquaredError())
data = tf.random.normal((16, 4))
autoencoder.fit(data, data, epochs=1, verbose=0)
assert encoder.predict(data, verbose=0).shape == (16, 2)
assert tf.keras.models.clone_model(autoencoder).count_params() == autoencoder.count_params()
