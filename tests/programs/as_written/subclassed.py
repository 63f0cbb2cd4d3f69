import tensorflow as tf


class MyDense(tf.keras.layers.Layer):
    def __init__(self, units=4, **kwargs):
        super().__init__(**kwargs)
        self.units = units

    def build(self, input_shape):
        self.w = self.add_weight(shape=(input_shape[-1], self.units), initializer="random_normal", trainable=True)
        self.b = self.add_weight(shape=(self.units,), initializer="zeros", trainable=True)

    def call(self, inputs):
        return tf.matmul(inputs, self.w) + self.b

    def get_config(self):
        config = super().get_config()
        config.update({"units": self.units})
        return config


class MyModel(tf.keras.Model):
    def __init__(self, num_classes=3):
        super().__init__(name="my_model")
        self.dense_1 = MyDense(8)
        self.dropout = tf.keras.layers.Dropout(0.5)
        self.dense_2 = tf.keras.layers.Dense(num_classes, activation="softmax")

    def call(self, inputs, training=False):
        x = tf.nn.relu(self.dense_1(inputs))
        if training:
            x = self.dropout(x, training=training)
        return self.dense_2(x)


tf.keras.backend.clear_session()
tf.random.set_seed(1)
model = MyModel()
model.compile(optimizer="sgd", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(tf.random.normal((8, 5)), tf.constant([0, 1, 2, 0, 1, 2, 0, 1]), batch_size=4, epochs=1, verbose=0)
model.save_weights("mine.weights.h5")
again = MyModel()
again(tf.zeros((1, 5)))
again.load_weights("mine.weights.h5")
x = tf.ones((2, 5))
assert abs(model(x).numpy() - again(x).numpy()).max() < 1e-6
print([w.shape for w in model.weights], model.summary())
