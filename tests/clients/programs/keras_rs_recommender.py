"""keras_rs: retrieval in a model of one's own, feature crosses, ranking losses and metrics."""

import keras
import keras_rs
import numpy as np
from keras import ops

rng = np.random.default_rng(0)


class Retrieval(keras.Model):
    def __init__(self):
        super().__init__()
        self.users = keras.layers.Embedding(20, 8)
        self.candidates = keras.layers.Embedding(30, 8)
        self.search = keras_rs.layers.BruteForceRetrieval(k=5, return_scores=False)
        self.error = keras.losses.MeanSquaredError()

    def build(self, input_shape):
        self.users.build(input_shape)
        self.candidates.build(input_shape)
        self.search.candidate_embeddings = self.candidates.embeddings
        self.search.build(input_shape)
        super().build(input_shape)

    def call(self, users, training=False):
        found = {"users": self.users(users)}
        if not training:
            found["predictions"] = self.search(found["users"])
        return found

    def compute_loss(self, x, y, y_pred, sample_weight, training=True):
        scores = ops.sum(y_pred["users"] * self.candidates(y["item"]), axis=-1)
        return self.error(y["rating"], scores)


model = Retrieval()
model.compile(keras.optimizers.Adagrad(0.1))
users = rng.integers(0, 20, 64)
targets = {"item": rng.integers(0, 30, 64), "rating": rng.random(64, "float32")}
losses = model.fit(users, targets, epochs=3, verbose=0).history["loss"]
assert losses[-1] < losses[0]
assert model.predict(users[:4], verbose=0)["predictions"].shape == (4, 5)

inputs = keras.Input((16,))
x = keras.layers.Dense(8)(inputs)
crossed = keras.Model(inputs, keras.layers.Dense(1)(keras_rs.layers.FeatureCross()(x, x)))
crossed.compile("adam", "mse")
crossed.fit(rng.random((16, 16)), rng.random(16), verbose=0)
crossed.save("crossed.keras")
keras.models.load_model("crossed.keras")

truth, scores = np.array([[0.0, 1.0, 2.0]]), np.array([[0.1, 0.5, 0.2]])
for name in ("PairwiseHingeLoss", "PairwiseLogisticLoss", "PairwiseMeanSquaredError", "ListMLELoss"):
    assert np.isfinite(float(getattr(keras_rs.losses, name)()(truth, scores)))
for name in ("NDCG", "MeanAveragePrecision", "MeanReciprocalRank", "PrecisionAtK", "RecallAtK"):
    metric = getattr(keras_rs.metrics, name)(k=2)
    metric.update_state(np.minimum(truth, 1), scores)
    assert 0 <= float(metric.result()) <= 1
print("ok")
