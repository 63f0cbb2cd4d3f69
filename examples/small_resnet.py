"""A small ResNet of 30 layers, on scikit-learn's handwritten digits."""

import lamella as keras
from lamella.cli.demo import small_resnet
from lamella.cli.digits import load_digits

keras.utils.set_random_seed(0)
digits = load_digits(seed=0)
model = small_resnet()
model.summary()
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(digits.x[:512], digits.y[:512], batch_size=64, epochs=1)
print(model.evaluate(digits.x_test, digits.y_test, verbose=0, return_dict=True))
