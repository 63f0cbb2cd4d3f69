import os

import numpy as np
from tensorflow.keras.layers import Conv2D, Dense, GlobalAveragePooling2D
from tensorflow.keras.models import Sequential
from tensorflow.keras.preprocessing.image import ImageDataGenerator, array_to_img

for name in ("cats", "dogs"):
    os.makedirs(os.path.join("train", name), exist_ok=True)
    for i in range(4):
        array_to_img(np.random.rand(20, 24, 3)).save(os.path.join("train", name, "%d.png" % i))

train_datagen = ImageDataGenerator(
    rescale=1.0 / 255, shear_range=0.2, zoom_range=0.2, horizontal_flip=True, validation_split=0.25
)
train = train_datagen.flow_from_directory(
    "train", target_size=(16, 16), batch_size=2, class_mode="binary", subset="training"
)
valid = train_datagen.flow_from_directory(
    "train", target_size=(16, 16), batch_size=2, class_mode="binary", subset="validation"
)
model = Sequential([Conv2D(4, 3, input_shape=(16, 16, 3)), GlobalAveragePooling2D(), Dense(1, activation="sigmoid")])
model.compile(loss="binary_crossentropy", optimizer="rmsprop", metrics=["accuracy"])
model.fit(train, steps_per_epoch=len(train), epochs=1, validation_data=valid, verbose=0)
assert train.class_indices == {"cats": 0, "dogs": 1}
