"""`lamella demo`: what one does with models, on real digits, in under a minute."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from lamella import layers, models, utils
from lamella.cli.digits import Split, load_digits, pairs

KNOWN, NEW = range(5), range(5, 10)
FEW = 4  # training examples of each new class


def small_resnet(classes: int = 10, shape: tuple[int, int, int] = (32, 32, 3), name: str | None = None) -> Any:
    """A residual network of 30 layers, 17 of them with weights.

    Conv-BN-ReLU, three residual blocks (the last two halve the image, with a 1×1
    shortcut), average pooling, one dense layer.

    Source:  He et al., Deep Residual Learning for Image Recognition (arXiv:1512.03385).
    Example: >>> len(small_resnet().layers)
             30
    """
    inputs = x = layers.Input(shape)
    x = _conv_bn(x, 16)
    x = layers.ReLU()(x)
    for filters, strides in ((16, 1), (32, 2), (64, 2)):
        x = _residual_block(x, filters, strides)
    x = layers.AveragePooling2D(8)(x)
    x = layers.Flatten()(x)
    return models.Model(inputs, layers.Dense(classes, activation="softmax")(x), name=name)


def _conv_bn(x: Any, filters: int, strides: int = 1) -> Any:
    x = layers.Conv2D(filters, 3, strides=strides, padding="same")(x)
    return layers.BatchNormalization(momentum=0.9)(x)  # few steps: statistics must follow quickly


def _residual_block(x: Any, filters: int, strides: int) -> Any:
    shortcut = x
    x = layers.ReLU()(_conv_bn(x, filters, strides))
    x = _conv_bn(x, filters)
    if strides > 1:
        shortcut = layers.Conv2D(filters, 1, strides=strides, padding="same")(shortcut)
    return layers.ReLU()(layers.Add()([x, shortcut]))


def run_demo(out: str, seed: int) -> None:
    """Runs all steps and prints what each does and what came out."""
    start = time.perf_counter()
    utils.set_random_seed(seed)
    digits = load_digits(seed)
    base = _learn_known(digits.only(KNOWN))
    _show(base)
    features = models.Model(base.input, base.layers[-2].output, name="base")
    _save(out, _transfer(features, digits.only(NEW).few(FEW)), digits)
    _save(out, _two_digits(features, digits), digits)
    print(f"\nAll done in {time.perf_counter() - start:.0f} s.")


def _say(text: str) -> None:
    print(f"\n\033[1m{text}\033[0m" if _colored() else f"\n{text}", flush=True)


def _colored() -> bool:
    import os
    import sys

    return sys.stdout.isatty() and "NO_COLOR" not in os.environ


def _accuracy(model: Any, data: Split) -> float:
    return model.evaluate(data.x_test, data.y_test, verbose=0, return_dict=True)["accuracy"]


def _compiled(model: Any, rate: float) -> Any:
    model.compile(_adam(rate), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def _adam(rate: float) -> Any:
    from lamella import optimizers

    return optimizers.Adam(rate)


def _learn_known(data: Split) -> Any:
    _say(f"1. A small ResNet learns the digits 0 to 4 from {len(data.x)} images (scikit-learn's, scaled up to 32×32).")
    model = _compiled(small_resnet(len(KNOWN), name="small_resnet"), 1e-3)
    model.fit(data.x, data.y, batch_size=64, epochs=6)
    print(f"   accuracy on {len(data.x_test)} held-out images: {_accuracy(model, data):.1%}")
    return model


def _show(model: Any) -> None:
    _say("2. What it is made of.")
    model.summary()
    listed = model.layers
    weighted = [layer for layer in listed if layer.weights]
    convolutions = [layer for layer in listed if isinstance(layer, layers.Conv2D)]
    joins = [layer for layer in listed if isinstance(layer, layers.Add)]
    ends = ", ".join(one.name for one in joins)
    print(
        f"   {len(listed)} layers listed, {len(weighted)} of them with weights: {len(convolutions)} convolutions, "
        f"{sum(isinstance(one, layers.BatchNormalization) for one in listed)} normalizations, 1 dense layer;\n"
        f"   {len(joins)} residual blocks, each ending where two paths are added ({ends})."
    )


def _head(features: Any, classes: int, name: str) -> Any:
    x = inputs = layers.Input(features.input_shape[1:])
    x = features(x, training=False)
    return models.Model(inputs, layers.Dense(classes, activation="softmax", name="head")(x), name=name)


def _transfer(features: Any, data: Split) -> Any:
    _say(f"3. The trained net, frozen, under a new head learns the digits 5 to 9 from {FEW} examples of each.")
    features.trainable = False
    model = _compiled(_head(features, len(NEW), "transferred"), 3e-2)
    model.fit(data.x, data.y, batch_size=10, epochs=60, verbose=0)
    frozen = _accuracy(model, data)
    scratch = _compiled(small_resnet(len(NEW), name="from_scratch"), 1e-3)
    scratch.fit(data.x, data.y, batch_size=10, epochs=30, verbose=0)
    print(f"   {sum(w.size for w in model.trainable_weights):,} of {model.count_params():,} parameters train")
    print(f"   accuracy on {len(data.x_test)} held-out images: {frozen:.1%}")
    print(f"   the same net from scratch, on the same {len(data.x)} images: {_accuracy(scratch, data):.1%}")

    _say("4. Its top block is unfrozen and fine-tuned at a small rate.")
    top = features.layers.index(next(one for one in reversed(features.layers) if isinstance(one, layers.Add))) - 6
    features.trainable = True
    for layer in features.layers[:top]:
        layer.trainable = False
    model.optimizer.learning_rate = 1e-3
    model.fit(data.x, data.y, batch_size=10, epochs=20, verbose=0)
    print(
        f"   {sum(w.size for w in model.trainable_weights):,} parameters train, from {features.layers[top].name!r} on"
    )
    print(f"   accuracy on the held-out images: {frozen:.1%} before, {_accuracy(model, data):.1%} after")
    return model


def _two_digits(features: Any, digits: Split) -> Any:
    _say("5. One base used twice: which digit is larger?  Its weights count once and train by both uses.")
    features.trainable = True
    left, right = layers.Input((32, 32, 3), name="left"), layers.Input((32, 32, 3), name="right")
    both = layers.Concatenate()([features(left), features(right)])
    model = models.Model([left, right], layers.Dense(1, activation="sigmoid", name="larger")(both), name="two_digits")
    model.compile(_adam(1e-3), "binary_crossentropy", metrics=["accuracy"])
    x, y = pairs(digits.x, digits.y, 1200, seed=1)
    model.fit(x, y, batch_size=64, epochs=4)
    x_test, y_test = pairs(digits.x_test, digits.y_test, 400, seed=2)
    accuracy = model.evaluate(x_test, y_test, verbose=0, return_dict=True)["accuracy"]
    print(
        f"   {model.count_params():,} parameters: {features.count_params():,} in the base, once, and the last layer's"
    )
    print(f"   accuracy on {len(y_test)} pairs of held-out images: {accuracy:.1%}")
    return model


def _save(out: str, model: Any, digits: Split) -> None:
    """Saves a model, reads it back and asks it again."""
    from lamella import saving

    path = Path(out) / f"{model.name}.keras"
    path.parent.mkdir(parents=True, exist_ok=True)
    model.save(path)
    again = saving.load_model(path)
    x = [digits.x_test[:32]] * len(model.inputs)
    x = x if len(x) > 1 else x[0]
    difference = abs(model.predict(x, verbose=0) - again.predict(x, verbose=0)).max()
    size = path.stat().st_size / 1024
    print(f"   saved as {path} ({size:.0f} KB); read back, its predictions differ by {difference:.1g}")
