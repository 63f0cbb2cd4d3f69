"""keras_hub: its layers in a classifier, small backbones, and text generated with several samplers."""

import keras
import keras_hub
import numpy as np

rng = np.random.default_rng(0)

inputs = keras.Input((None,), dtype="int32")
x = keras_hub.layers.TokenAndPositionEmbedding(50, 12, 16)(inputs)
x = keras_hub.layers.TransformerEncoder(32, 2)(x)
x = keras_hub.layers.TransformerDecoder(32, 2)(x)
outputs = keras.layers.Dense(2)(keras.layers.GlobalAveragePooling1D()(x))
model = keras.Model(inputs, outputs)
model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
tokens = rng.integers(0, 50, (16, 12))
model.fit(tokens, rng.integers(0, 2, 16), verbose=0)
model.save("classifier.keras")
same = keras.models.load_model("classifier.keras")
np.testing.assert_allclose(same.predict(tokens, verbose=0), model.predict(tokens, verbose=0), rtol=1e-4, atol=1e-5)

sizes = {"vocabulary_size": 60, "num_layers": 1, "num_heads": 2, "hidden_dim": 16, "intermediate_dim": 32}
bert = keras_hub.models.BertBackbone(**sizes, max_sequence_length=12)
batch = {name: np.ones((8, 12), "int32") for name in ("token_ids", "padding_mask")}
batch["segment_ids"] = np.zeros((8, 12), "int32")
head = keras.Model(bert.input, keras.layers.Dense(2)(bert.output["pooled_output"]))
head.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
head.fit(batch, rng.integers(0, 2, 8), verbose=0)

prompt = {
    "token_ids": np.array([[1, 2, 3, 0, 0, 0, 0, 0]] * 2),
    "padding_mask": np.array([[1, 1, 1, 0, 0, 0, 0, 0]] * 2),
}
gpt = keras_hub.models.GPT2CausalLM(
    backbone=keras_hub.models.GPT2Backbone(**sizes, max_sequence_length=12), preprocessor=None
)
for sampler in ("greedy", keras_hub.samplers.TopPSampler(0.9)):
    gpt.compile(sampler=sampler)
    written = np.asarray(gpt.generate(prompt, stop_token_ids=None)["token_ids"])
    assert written.shape == (2, 8)
    assert (written[:, :3] == [1, 2, 3]).all()
print("ok")
