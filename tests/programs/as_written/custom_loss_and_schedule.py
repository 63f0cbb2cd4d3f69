import numpy as np
import tensorflow as tf
from tensorflow.keras import backend as K


def dice_coef(y_true, y_pred, smooth=1.0):
    y_true_f = K.flatten(y_true)
    y_pred_f = K.flatten(y_pred)
    intersection = K.sum(y_true_f * y_pred_f)
    return (2.0 * intersection + smooth) / (K.sum(y_true_f) + K.sum(y_pred_f) + smooth)


def huber(y_true, y_pred):
    error = tf.cast(y_true, tf.float32) - y_pred
    small = tf.abs(error) < 1.0
    return tf.where(small, tf.square(error) / 2, tf.abs(error) - 0.5)


schedule = tf.keras.optimizers.schedules.ExponentialDecay(0.1, decay_steps=10, decay_rate=0.9, staircase=True)
model = tf.keras.Sequential([tf.keras.layers.Dense(1, activation="sigmoid", input_dim=3)])
model.compile(optimizer=tf.keras.optimizers.SGD(schedule, momentum=0.9, nesterov=True), loss=huber, metrics=[dice_coef])
x, y = np.random.rand(12, 3), np.random.randint(0, 2, (12, 1))
callbacks = [
    tf.keras.callbacks.EarlyStopping(monitor="val_loss", patience=2, restore_best_weights=True),
    tf.keras.callbacks.ModelCheckpoint("best.keras", save_best_only=True),
    tf.keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: print(epoch, sorted(logs))),
]
history = model.fit(x, y, validation_split=0.25, epochs=2, verbose=0, callbacks=callbacks)
assert set(history.history) == {"loss", "dice_coef", "val_loss", "val_dice_coef"}
tf.keras.models.load_model("best.keras", custom_objects={"huber": huber, "dice_coef": dice_coef})
