import numpy as np
import tensorflow as tf
import tensorflow.keras.backend as K

left = tf.keras.Input(shape=(3,), name="left")
right = tf.keras.Input(shape=(3,), name="right")
shared = tf.keras.layers.Dense(4, activation="relu", kernel_regularizer=tf.keras.regularizers.l2(1e-3))
distance = tf.keras.layers.Lambda(lambda t: K.sqrt(K.sum(K.square(t[0] - t[1]), axis=1, keepdims=True)))
a, b = shared(left), shared(right)
both = tf.concat([a, b], axis=-1)
score = tf.keras.layers.Dense(1, name="score")(both)
model = tf.keras.Model(inputs=[left, right], outputs=[distance([a, b]), score])
model.compile(optimizer="adam", loss=["mse", "mae"], loss_weights=[1.0, 0.5])
x = {"left": np.random.rand(6, 3), "right": np.random.rand(6, 3)}
model.fit(x, [np.zeros((6, 1)), np.ones((6, 1))], verbose=0)
first, second = model.predict(x, verbose=0)
assert first.shape == second.shape == (6, 1) and len(model.losses) == 1
