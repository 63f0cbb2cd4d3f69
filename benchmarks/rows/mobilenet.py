"""MobileNetV2: built, asked, fine-tuned, and trained on top of a frozen base."""

from __future__ import annotations

from typing import Any

from benchmarks.data import images, integers, same_weights
from benchmarks.row import Work, row

PIXELS = 160


def mobilenet_v2(keras: Any, size: int = PIXELS, **options: Any) -> Any:
    """MobileNetV2 without trained weights; logits come out."""
    return keras.applications.MobileNetV2(
        input_shape=(size, size, 3), weights=None, classifier_activation=None, **options
    )


def classifier(keras: Any, train_base: bool = True, count: int = 32) -> tuple[Any, Any, Any]:
    """MobileNetV2 with a new head for two classes, compiled, and data for it."""
    base = mobilenet_v2(keras, include_top=False)
    base.trainable = train_base
    inputs = keras.Input((PIXELS, PIXELS, 3))
    features = base(inputs) if train_base else base(inputs, training=False)
    outputs = keras.layers.Dense(2)(keras.layers.GlobalAveragePooling2D()(features))
    model = keras.Model(inputs, outputs)
    model.compile(keras.optimizers.Adam(1e-4), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model, images(count, PIXELS), integers(2, count)


@row("build MobileNetV2, weights included", cold=True, tolerance=None)
def build(keras: Any) -> Work:
    keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])  # what is imported late is the import rows' cost
    _ = keras.applications.MobileNetV2
    return lambda: mobilenet_v2(keras).get_weights()


@row("first predict, MobileNetV2, batch 1", cold=True, plain=("torch",))
def predict_first(keras: Any) -> Work:
    model, x = same_weights(mobilenet_v2(keras, 224)), images(1, 224)
    return lambda: model.predict(x, verbose=0)


@row("predict, MobileNetV2, batch 1, 224 px", calls=5, plain=("torch",))
def predict_1(keras: Any) -> Work:
    model, x = same_weights(mobilenet_v2(keras, 224)), images(1, 224)
    return lambda: [model.predict(x, verbose=0) for _ in range(5)]


@row("predict, MobileNetV2, batch 32, 160 px", plain=("torch",))
def predict_32(keras: Any) -> Work:
    model, x = same_weights(mobilenet_v2(keras)), images(32, PIXELS)
    return lambda: model.predict(x, verbose=0)


@row("first fine-tune step, MobileNetV2, all layers, batch 32", cold=True, plain=("torch",))
def finetune_first(keras: Any) -> Work:
    model, x, y = classifier(keras)
    same_weights(model)
    return lambda: model.train_on_batch(x, y)


@row("fine-tune step, MobileNetV2, all layers, batch 32", plain=("torch",))
def finetune_step(keras: Any) -> Work:
    model, x, y = classifier(keras)
    same_weights(model)
    return lambda: model.train_on_batch(x, y)


@row("frozen MobileNetV2, 10 epochs of 3 × 32, from cold", cold=True)
def frozen_epochs(keras: Any) -> Work:
    model, x, y = classifier(keras, train_base=False, count=96)
    same_weights(model)
    return lambda: model.fit(x, y, batch_size=32, epochs=10, shuffle=False, verbose=0).history["loss"]
