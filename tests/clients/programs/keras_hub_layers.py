"""keras_hub: its layers, small backbones, text that is generated, a backbone tuned by LoRA, an image classifier."""

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

gpt.backbone.enable_lora(2)
assert len(gpt.backbone.trainable_weights) == 6
before = {weight.path: np.asarray(weight) for weight in gpt.weights}
gpt.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True), sampler="greedy")
words = {name: np.ones((8, 12), "int32") for name in ("token_ids", "padding_mask")}
gpt.fit(words, words["token_ids"], verbose=0)
changed = [
    path for path, value in before.items() if np.any(np.asarray({w.path: w for w in gpt.weights}[path]) != value)
]
assert sum("lora_kernel_b" in path for path in changed) == 2
assert not any(path.endswith("/kernel") for path in changed)
gpt.save("tuned.keras")
tuned = keras.models.load_model("tuned.keras")
np.testing.assert_allclose(tuned.predict(words, verbose=0), gpt.predict(words, verbose=0), rtol=1e-4, atol=1e-4)

resnet = keras_hub.models.ResNetBackbone(
    input_conv_filters=[64],
    input_conv_kernel_sizes=[3],
    stackwise_num_filters=[64, 64],
    stackwise_num_blocks=[1, 1],
    stackwise_num_strides=[1, 2],
    block_type="basic_block",
    image_shape=(16, 16, 3),
)
classifier = keras_hub.models.ResNetImageClassifier(backbone=resnet, num_classes=3, preprocessor=None)
classifier.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
images = rng.random((8, 16, 16, 3)).astype("float32")
classifier.fit(images, np.arange(8) % 3, verbose=0)
classifier.save("images.keras")
again = keras.models.load_model("images.keras")
np.testing.assert_allclose(
    again.predict(images, verbose=0), classifier.predict(images, verbose=0), rtol=1e-4, atol=1e-4
)
print("ok")
