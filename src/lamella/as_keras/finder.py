"""The import hook: `keras`, `keras.src…`, `tensorflow.keras…` and the modules of older Keras are found here."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterable, Sequence
from importlib import metadata
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

from lamella.as_keras import old_names, tensorflow_missing
from lamella.as_keras.keras_src import SourceModule, is_source_module, missing_source
from lamella.as_keras.namespace import KERAS_VERSION, Namespace, room
from lamella.as_keras.old_modules import OldModule
from lamella.as_keras.tensorflow_loader import spec_of_tensorflow
from lamella.errors import MissingModuleError, StateError, nearest

# Other names of the same modules: how TensorFlow, and people, reach Keras.
PREFIXES = (
    "keras._tf_keras.keras",
    "keras.api._v2.keras",
    "keras.api",
    "tensorflow.keras",
)


def install() -> None:
    """Puts the hook first among the finders; does nothing the second time.

    Raises:  StateError: the real Keras is imported already.
    """
    if any(isinstance(finder, KerasFinder) for finder in sys.meta_path):
        return
    if "keras" in sys.modules:
        raise StateError(
            "Keras is imported already, so that `import keras` cannot mean Lamella any more.",
            fix="import lamella.as_keras first, before anything that imports keras; or start with `lamella run`",
        )
    sys.meta_path.insert(0, KerasFinder())
    if "tensorflow" in sys.modules:
        from lamella.as_keras.tensorflow_present import set_up

        set_up(sys.modules["tensorflow"])
    elif importlib.util.find_spec("tensorflow") is None:
        tensorflow_missing.install()


def canonical(name: str) -> str | None:
    """The name below `keras` that a module's name stands for; None if it is not about Keras.

    Example: >>> canonical("tensorflow.keras.layers"), canonical("keras.layers"), canonical("numpy")
             ('keras.layers', 'keras.layers', None)
    """
    for prefix in PREFIXES:
        if name == prefix or name.startswith(f"{prefix}."):
            return "keras" + name.removeprefix(prefix)
    return name if name == "keras" or name.startswith("keras.") else None


class KerasFinder(MetaPathFinder, Loader):
    """Finds Keras's modules in Lamella, before Python looks for an installed Keras."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname == "tensorflow":
            return spec_of_tensorflow(self)
        name = canonical(fullname)
        if name is None:
            return None
        if _kind(name) is None:
            raise _missing(fullname, name)
        return ModuleSpec(fullname, self, origin=__file__, is_package=True)

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        name = canonical(spec.name)
        assert name is not None
        if name != spec.name:
            return importlib.import_module(name)
        kind = _kind(name)
        assert kind is not None
        return kind(name)

    def exec_module(self, module: ModuleType) -> None:
        """Leaves a module under its second name with the spec of its first."""
        if module.__spec__ is not None and module.__spec__.name != module.__name__:
            module.__spec__ = ModuleSpec(module.__name__, self, origin=__file__, is_package=True)

    def find_distributions(self, context: metadata.DistributionFinder.Context) -> Iterable[metadata.Distribution]:
        """Keras's version, for `importlib.metadata.version("keras")`."""
        return [KerasDistribution()] if context.name in (None, "keras") else []


class KerasDistribution(metadata.Distribution):
    """What the installed packages say of `keras` in this process."""

    def read_text(self, filename: str) -> str | None:
        if filename != "METADATA":
            return None
        return f"Metadata-Version: 2.1\nName: keras\nVersion: {KERAS_VERSION}\nSummary: Keras's interface, by Lamella\n"

    def locate_file(self, path: object) -> object:  # pyright: ignore[reportIncompatibleMethodOverride]
        return path


def _kind(name: str) -> type[ModuleType] | None:
    """The class of the module of this name; None if there is no such module."""
    inside = name.partition(".")[2]
    if inside == "src" or inside.startswith("src."):
        return SourceModule if is_source_module(inside) else None
    if inside == "_tf_keras":
        return ModuleType
    if inside in old_names.MODULES:
        return OldModule
    return Namespace if room(inside) is not None else None


def _missing(fullname: str, name: str) -> MissingModuleError:
    """The error for a module, or a name in `from module import name`, that is not there."""
    inside = name.partition(".")[2]
    parent, _, last = inside.rpartition(".")
    fix = (
        missing_source(inside) if inside.startswith("src.") else old_names.advice(parent, last) or _alike(parent, last)
    )
    error = MissingModuleError(f"No module named {fullname!r}.", fix=fix)
    # Python hides an error that carries the name asked for behind one that says less.
    error.name = None if fix else fullname
    return error


def _alike(namespace: str, name: str) -> str | None:
    """The names of a module that are like one that it has not."""
    if room(namespace) is None:
        return None
    advice = nearest(name, Namespace(f"keras.{namespace}".rstrip(".")).names())
    return advice if advice.startswith("did you mean") else None
