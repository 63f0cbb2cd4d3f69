"""A text encoder in front of a trained model: strings in, probabilities out."""

import numpy as np

import lamella as keras

texts = np.array(["what a lovely film", "a dull, dull film", "lovely and clever", "dull and slow"] * 8)
labels = np.array([1, 0, 1, 0] * 8, "float32")

encode = keras.layers.TextVectorization(max_tokens=50, output_sequence_length=6)
encode.adapt(texts)

trained = keras.Sequential(
    [
        keras.Input((6,), dtype="int64"),
        keras.layers.Embedding(50, 8),
        keras.layers.GlobalAveragePooling1D(),
        keras.layers.Dense(1, activation="sigmoid"),
    ]
)
trained.compile(keras.optimizers.Adam(0.05), "binary_crossentropy", metrics=["accuracy"])
trained.fit(encode(texts), labels, epochs=10, verbose=0)

extended = keras.Sequential([encode, trained])
print(extended.predict(np.array(["a lovely, clever film", "slow and dull"]), verbose=0))
assert extended.layers[1] is trained

extended.compile("adam", "binary_crossentropy")
extended.fit(texts, labels, epochs=1)
