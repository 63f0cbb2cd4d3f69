import numpy as np
import tensorflow as tf

data_augmentation = tf.keras.Sequential(
    [
        tf.keras.layers.experimental.preprocessing.RandomFlip("horizontal"),
        tf.keras.layers.RandomRotation(0.2),
        tf.keras.layers.experimental.preprocessing.Rescaling(1.0 / 127.5, offset=-1),
    ]
)
inputs = tf.keras.Input((16, 16, 3))
x = tf.keras.layers.SeparableConv2D(4, 3)(data_augmentation(inputs))
outputs = tf.keras.layers.Dense(1)(tf.keras.layers.GlobalMaxPooling2D()(x))
model = tf.keras.Model(inputs, outputs)
model.compile("adam", tf.keras.losses.BinaryCrossentropy(from_logits=True))
model.fit(np.random.rand(4, 16, 16, 3) * 255, np.array([0, 1, 0, 1]), verbose=0)
assert data_augmentation(np.ones((1, 16, 16, 3), "float32"), training=True).shape == (1, 16, 16, 3)
print(tf.config.list_physical_devices("GPU"), tf.__version__, tf.executing_eagerly())
