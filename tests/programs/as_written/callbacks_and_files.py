import json

import numpy as np
import tensorflow as tf
from tensorflow.keras.utils import set_random_seed

set_random_seed(3)
x = np.random.rand(20, 4).astype(np.float32)
y = x.sum(axis=1, keepdims=True)
model = tf.keras.models.Sequential([tf.keras.layers.Dense(4, activation="tanh"), tf.keras.layers.Dense(1)])
model.build((None, 4))
model.compile(optimizer=tf.keras.optimizers.legacy.Adam(lr=0.01), loss="mse", metrics=["mae"])
reduce_lr = tf.keras.callbacks.ReduceLROnPlateau(monitor="loss", factor=0.5, patience=1)
model.fit(x, y, epochs=3, batch_size=5, verbose=0, callbacks=[reduce_lr, tf.keras.callbacks.CSVLogger("log.csv")])
print("learning rate", tf.keras.backend.get_value(model.optimizer.learning_rate))
tf.keras.backend.set_value(model.optimizer.learning_rate, 1e-4)
assert abs(float(model.optimizer.learning_rate.numpy()) - 1e-4) < 1e-9
again = tf.keras.models.model_from_json(json.dumps(json.loads(model.to_json())))
again.set_weights(model.get_weights())
model.save("whole.h5")
for one in (again, tf.keras.models.load_model("whole.h5")):
    np.testing.assert_allclose(one.predict(x, verbose=0), model.predict(x, verbose=0), rtol=1e-5)
loss, mae = model.evaluate(x, y, verbose=0)
print("loss: %.3f, mae: %.3f" % (loss, mae))
