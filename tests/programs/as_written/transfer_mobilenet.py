import numpy as np
import tensorflow as tf

IMG_SIZE = (32, 32)
base_model = tf.keras.applications.MobileNetV2(input_shape=IMG_SIZE + (3,), include_top=False, weights=None, alpha=0.35)
base_model.trainable = False
print("Number of layers in the base model: ", len(base_model.layers))

global_average_layer = tf.keras.layers.GlobalAveragePooling2D()
prediction_layer = tf.keras.layers.Dense(1, activation="sigmoid")
inputs = tf.keras.Input(shape=IMG_SIZE + (3,))
x = tf.keras.applications.mobilenet_v2.preprocess_input(inputs)
x = base_model(x, training=False)
x = global_average_layer(x)
x = tf.keras.layers.Dropout(0.2)(x)
outputs = prediction_layer(x)
model = tf.keras.Model(inputs, outputs)
model.compile(
    optimizer=tf.keras.optimizers.Adam(learning_rate=0.001),
    loss=tf.keras.losses.BinaryCrossentropy(),
    metrics=[tf.keras.metrics.BinaryAccuracy(threshold=0.5, name="accuracy")],
)
images = np.random.randint(0, 255, (4,) + IMG_SIZE + (3,)).astype("float32")
labels = np.array([[0], [1], [0], [1]])
model.fit(images, labels, epochs=1, verbose=0)
assert len(model.trainable_variables) == 2

base_model.trainable = True
fine_tune_at = 150
for layer in base_model.layers[:fine_tune_at]:
    layer.trainable = False
model.compile(
    loss="binary_crossentropy", optimizer=tf.keras.optimizers.RMSprop(learning_rate=1e-5), metrics=["accuracy"]
)
history = model.fit(images, labels, epochs=2, initial_epoch=1, verbose=0)
assert "accuracy" in history.history
model.save("fine_tuned.keras")
loaded = tf.keras.models.load_model("fine_tuned.keras")
np.testing.assert_allclose(loaded.predict(images, verbose=0), model.predict(images, verbose=0), rtol=1e-4)
