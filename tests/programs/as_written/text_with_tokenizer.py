import numpy as np
from keras.layers import LSTM, Dense, Embedding
from keras.models import Sequential
from keras.preprocessing.sequence import pad_sequences
from keras.preprocessing.text import Tokenizer
from keras.utils import to_categorical

texts = ["good movie", "bad movie", "a very good film", "a very bad film"]
tokenizer = Tokenizer(num_words=50, oov_token="<OOV>")
tokenizer.fit_on_texts(texts)
sequences = pad_sequences(tokenizer.texts_to_sequences(texts), maxlen=5, padding="post")
model = Sequential()
model.add(Embedding(len(tokenizer.word_index) + 1, 8))
model.add(LSTM(4))
model.add(Dense(2, activation="softmax"))
model.compile(loss="categorical_crossentropy", optimizer="adam", metrics=["acc"])
model.fit(sequences, to_categorical([1, 0, 1, 0]), epochs=1, verbose=0)
print(np.argmax(model.predict(sequences, verbose=0), axis=1))
