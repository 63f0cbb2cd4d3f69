"""How a layer's own `build` is run: once, on real arrays, under the layer's name."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any

import jax

from lamella.layers.call import signature_of
from lamella.state import current, frame

if TYPE_CHECKING:
    from lamella.layers.layer import Layer


def building(build: Callable[..., Any]) -> Callable[..., Any]:
    """Wraps a `build` so that it makes real arrays, under the layer's name, once."""

    @wraps(build)
    def wrapped(self: Layer, *args: Any, **kwargs: Any) -> None:
        if self._in_build_:  # super().build() inside of a build()
            return build(self, *args, **kwargs)
        trial = current().trial
        if trial is not None:
            trial.undo.append(_restorer(self))
        self._in_build_, here = True, current()
        if here.frozen and not self._set_to_train_:
            self.trainable = False
        inside = {"path": (*here.path, self.name), "frozen": not self._trainable}
        try:
            with frame(**inside, autocast=None, observer=None), jax.ensure_compile_time_eval():
                build(self, *args, **kwargs)
                if self._build_by_call_on_ is not None:  # Model.build(), perhaps called by an own build()
                    self._build_by_call_(self._build_by_call_on_)
        finally:
            self._in_build_, self._build_by_call_on_, self._call_to_build_for_ = False, None, None
        self._built_at_ = inside["path"]
        self._build_shapes_ = dict(signature_of(build).whole.bind(*args, **kwargs).arguments)
        self.built = True

    return wrapped


def _restorer(layer: Layer) -> Callable[[], None]:
    """What brings a layer back to how it is now: without the weights that its `build` makes."""
    before = {**vars(layer), "_added_": list(layer._added_)}

    def restore() -> None:
        vars(layer).clear()
        vars(layer).update(before)

    return restore
