"""`import tensorflow` where TensorFlow is not installed: programs get a stand-in that holds `keras`.

Who asks whether TensorFlow is there, to choose the code, hears no: an `import` in a `try` block, or in a function of a
library.  So the stand-in is in no `sys.modules` and no finder knows of it; it is what the plain `import` statement of a
program gives, and that of a library which would not run without TensorFlow, as nothing on the way to it is in a `try`
block.  Only `tensorflow.keras`, which is Lamella, is given to everybody.
"""

from __future__ import annotations

import builtins
import importlib
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import FrameType, ModuleType, TracebackType
from typing import Any

from lamella.as_keras.tensorflow_names import PARTS, SERVED, VERSION, advice
from lamella.as_keras.tensorflow_words import served, tensors_have_numpy
from lamella.as_keras.try_blocks import in_try_block
from lamella.errors import MissingAttributeError, MissingModuleError

_NAME = "tensorflow"
# Where TensorFlow shows Keras: the modules that everybody may import.
_KERAS = ("tensorflow.keras", "tensorflow.python.keras", "tensorflow.compat.v2.keras", "tensorflow.compat.v1.keras")
_LIBRARIES = {"site-packages", "dist-packages"}


def install() -> None:
    """Lets `import tensorflow` in programs give the stand-in."""
    builtins.__import__ = _importer(builtins.__import__)


def _importer(imported: Callable[..., Any]) -> Callable[..., Any]:
    """Python's `__import__`, which knows of the stand-in."""

    def import_with_stand_in(
        name: str,
        globals: Mapping[str, Any] | None = None,
        locals: Mapping[str, Any] | None = None,
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> Any:
        if level == 0 and name.startswith(_NAME) and name.partition(".")[0] == _NAME and _NAME not in sys.modules:
            keras = _keras_name(name)
            if keras is not None:
                module = imported(keras, globals, locals, fromlist or ("__name__",), 0)
                return module if fromlist else STAND_IN
            if tuple(fromlist or ()) == ("keras",) or not _asks(sys._getframe(1)):
                return _stand_in(name, fromlist)
        try:
            return imported(name, globals, locals, fromlist, level)
        except BaseException as error:
            _drop_own_frames(error.__traceback__)
            raise

    return import_with_stand_in


def _drop_own_frames(place: TracebackType | None) -> None:
    """Takes this file's frames, of which each import adds one, out of a traceback, but for the first."""
    while place is not None and place.tb_next is not None:
        if place.tb_next.tb_frame.f_code.co_filename == __file__:
            place.tb_next = place.tb_next.tb_next
        else:
            place = place.tb_next


def _asks(frame: FrameType | None) -> bool:
    """Whether an import asks if TensorFlow is there: it, or one that led to it, has another way to go on."""
    while frame is not None:
        if frame.f_globals is not globals() and not frame.f_code.co_filename.startswith("<frozen importlib"):
            if in_try_block(frame):
                return True
            if not _is_library(frame.f_globals):
                return False
            if frame.f_code.co_name != "<module>":
                return True
        frame = frame.f_back
    return True


def _keras_name(name: str) -> str | None:
    for prefix in _KERAS:
        if name == prefix or name.startswith(f"{prefix}."):
            return "keras" + name.removeprefix(prefix)
    return None


def _is_library(names: Mapping[str, Any]) -> bool:
    """Whether the globals are those of an installed package, or of Lamella, not of a program."""
    name, file = str(names.get("__name__", "")), names.get("__file__")
    if name == "__main__" or not isinstance(file, str):
        return False
    path = Path(file)
    standard = Path(importlib.__file__ or "").parents[1]
    return name.partition(".")[0] == "lamella" or bool(_LIBRARIES & {*path.parts}) or standard in path.parents


def _stand_in(name: str, fromlist: Sequence[str] | None) -> Any:
    """What `import tensorflow…` gives a program; refuses what is not there with the way that serves."""
    part: Any = STAND_IN
    tensors_have_numpy()
    try:
        for inner in name.split(".")[1:]:
            part = getattr(part, inner)
        for wanted in fromlist or ():
            if wanted != "*":
                getattr(part, wanted)
    except MissingAttributeError as error:
        raise MissingModuleError(error.what, fix=error.fix) from None
    return part if fromlist else STAND_IN


class StandIn(ModuleType):
    """`tensorflow`, or a module of it, where it is not installed."""

    def __init__(self, name: str):
        super().__init__(name, "Stands for TensorFlow, which is not installed: it holds `keras`.")
        self.__path__: list[str] = []

    def __getattr__(self, name: str) -> Any:
        path = f"{self.__name__}.{name}".removeprefix(f"{_NAME}.")
        if path == "keras" or path in ("compat.v1.keras", "compat.v2.keras", "python.keras"):
            return importlib.import_module("keras")
        if path == "__version__":
            return VERSION
        if name.startswith("__"):
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        value = self._made(path.removeprefix("compat.v2.").removeprefix("compat.v1."))
        setattr(self, name, value)
        return value

    def _made(self, path: str) -> Any:
        if path in SERVED:
            return served(path)
        if path in PARTS:
            return StandIn(f"{_NAME}.{path}")
        raise _refusal(path)

    def __dir__(self) -> list[str]:
        own = self.__name__.removeprefix(_NAME).lstrip(".")
        prefix = f"{own}." if own else ""
        inside = {path.removeprefix(prefix).partition(".")[0] for path in {*SERVED, *PARTS} if path.startswith(prefix)}
        return sorted(inside | (set() if own else {"__version__", "keras"}))

    def __repr__(self) -> str:
        return f"<module {self.__name__!r}: Lamella's stand-in, TensorFlow is not installed>"


def _refusal(path: str) -> MissingAttributeError:
    return MissingAttributeError(f"TensorFlow is not installed, and tf.{path} needs it.", fix=advice(path))


STAND_IN = StandIn(_NAME)
