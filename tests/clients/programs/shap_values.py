"""shap: what each feature adds to a prediction, by a function of the model and by permutations."""

import keras
import numpy as np
import shap

rng = np.random.default_rng(0)
x = rng.normal(size=(64, 3)).astype("float32")
model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1, use_bias=False, kernel_initializer="ones")])
explainer = shap.KernelExplainer(lambda rows: model.predict(rows, verbose=0)[:, 0], x[:8])
values = explainer.shap_values(x[:4], nsamples=60, silent=True)
np.testing.assert_allclose(values, x[:4] - x[:8].mean(0), atol=1e-3)

permutation = shap.explainers.Permutation(lambda rows: model.predict(rows, verbose=0)[:, 0], x[:8])
np.testing.assert_allclose(permutation(x[:2]).values, x[:2] - x[:8].mean(0), atol=1e-3)
print("ok")
