"""segmodels_keras: a U-Net and a PSPNet fitted with their losses and metrics, saved and loaded."""

import os

os.environ["SM_FRAMEWORK"] = "keras"

import keras
import numpy as np
import segmodels_keras as sm

rng = np.random.default_rng(0)


def model_and_data(architecture, size):
    model = architecture("resnet18", input_shape=(size, size, 3), classes=2, activation="softmax", encoder_weights=None)
    model.compile(
        "adam",
        loss=sm.losses.DiceLoss() + sm.losses.JaccardLoss(),
        metrics=[sm.metrics.IOUScore(threshold=0.5), sm.metrics.FScore()],
    )
    x = rng.random((4, size, size, 3), "float32")
    return model, x, keras.utils.to_categorical((x[..., 0] > 0.5).astype(int), 2)


for architecture, size in ((sm.Unet, 32), (sm.PSPNet, 48)):
    model, x, y = model_and_data(architecture, size)
    history = model.fit(x, y, batch_size=2, epochs=1, verbose=0).history
    assert np.isfinite(history["loss"]).all()
    assert {"loss", "iou_score", "f1-score"} <= set(history)

model.save("model.keras")
same = keras.models.load_model("model.keras", compile=False)
np.testing.assert_allclose(same.predict(x, verbose=0), model.predict(x, verbose=0), rtol=1e-4, atol=1e-5)
print("ok")
