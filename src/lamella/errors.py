"""Every error Lamella raises, and the one formatter that writes its text.

An error says what went wrong and where, and where they help: what was
expected, what came, and how to mend it.  Each class also subclasses the
builtin that Keras code catches, so ``except ValueError`` keeps working.
"""

from __future__ import annotations

import difflib
import inspect
import re
from collections.abc import Callable, Iterable
from typing import Any


class LamellaError(Exception):
    """The root of all errors raised on purpose.

    Args:
        what: one sentence, what went wrong and with what.
        expected, received, fix: a line each, shown only when given.
    """

    def __init__(self, what: str, *, expected: object = None, received: object = None, fix: object = None):
        self.what, self.expected, self.received, self.fix = what, expected, received, fix
        super().__init__(what)

    def __str__(self) -> str:
        rows = [("expected", self.expected), ("received", self.received), ("fix", self.fix)]
        text = "\n".join([self.what, *(f"  {label:<10}{text}" for label, text in rows if text is not None)])
        return re.sub(r" at 0x[0-9a-fA-F]+", "", text)


class ShapeError(LamellaError, ValueError):
    """A tensor has another shape or rank than its reader needs."""


class OperationError(ShapeError, TypeError, IndexError):
    """An op cannot compute what it was given."""


class DtypeError(LamellaError, TypeError):
    """A tensor or argument has a dtype or type that cannot be used."""


class ArgumentError(LamellaError, ValueError):
    """An argument has a value outside of what is allowed."""


class UnknownSizeError(ShapeError, ArgumentError):
    """Weights depend on a size that is not known yet."""


class UnknownNameError(LamellaError, ValueError):
    """A name, address or key stands for nothing; the nearest ones are listed."""


class StateError(LamellaError, RuntimeError, ValueError):
    """Something was asked of an object before (or after) it could answer."""


class NotCalledError(StateError, AttributeError):
    """An attribute that only a call gives: `hasattr` says that it is not there yet."""


class GraphError(LamellaError, ValueError):
    """Symbolic tensors do not form the graph that was asked for."""


class NoValueError(GraphError, TypeError):
    """The numbers of a symbolic tensor were asked for: they come later."""


class ConfigError(LamellaError, TypeError, ValueError):
    """An object cannot be written as a config, or a config cannot be read."""


class NoConfigError(ConfigError, NotImplementedError):
    """An object cannot be written as a config, since its class does not define `get_config`."""


class FileError(LamellaError, ValueError, OSError):
    """A file cannot be read or written, or does not hold what it should."""

    def __str__(self) -> str:  # OSError brings a __str__ of its own
        return LamellaError.__str__(self)


class DataError(LamellaError, ValueError):
    """Training data cannot be used: empty, ragged, of unequal lengths …"""


class MissingExtraError(LamellaError, ImportError):
    """A feature needs an optional package that is not installed."""


class MissingAttributeError(LamellaError, AttributeError):
    """A module does not have the name that was asked for."""


class MissingModuleError(LamellaError, ModuleNotFoundError):
    """A module of this name cannot be imported."""


def nearest(name: str, options: Iterable[str], most: int = 3) -> str:
    """The options most like `name`, quoted, for the `fix` line of an error; of addresses, those that end so first.

    Example: >>> nearest("dens", ["dense", "conv"])
             "did you mean 'dense'?"
             >>> nearest("conv1", ["conv_1", "base/conv1"])
             "did you mean 'base/conv1'?"
    """
    options = list(options)
    deeper = [option for option in options if option.lower().endswith(f"/{str(name).lower()}")]
    close = deeper[:most] or difflib.get_close_matches(str(name), options, n=most, cutoff=0.5)
    if close:
        return f"did you mean {' or '.join(repr(c) for c in close)}?"
    shown = ", ".join(repr(o) for o in options[:12])
    return f"choose one of {shown}{' …' if len(options) > 12 else ''}" if options else "there are none"


def unknown_arguments(caller: str, given: Iterable[str], known: Iterable[str]) -> ArgumentError:
    """The error for keyword arguments that a function does not take; it names the nearest of those `known`.

    Example: >>> print(unknown_arguments("Dense()", ["activaton"], ["units", "activation"]))
             Dense() does not know the argument 'activaton'.
               fix       did you mean 'activation'?
    """
    given, known = list(given), list(known)
    plural = "s" if len(given) > 1 else ""
    fix = "; ".join(f"{name}: {nearest(name, known)}" if plural else nearest(name, known) for name in given)
    return ArgumentError(
        f"{caller} does not know the argument{plural} {', '.join(map(repr, given))}.", fix=fix if known else None
    )


def parameters_of(target: Callable[..., Any]) -> list[str]:
    """The names of the keyword arguments that a function takes, or the constructors of a class and its bases."""
    bases = target.__mro__ if isinstance(target, type) else ()
    functions = [vars(base)["__init__"] for base in bases if base is not object and "__init__" in vars(base)]
    found = [p for f in functions or [target] for p in inspect.signature(f).parameters.values()]
    keyword = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return [name for name in dict.fromkeys(p.name for p in found if p.kind in keyword) if name != "self"]


def unknown(kind: str, name: object, options: Iterable[str]) -> UnknownNameError:
    """The error for a name that stands for nothing.

    Example: >>> print(unknown("layer", "dens", ["dense"]))
             There is no layer named 'dens'.
               fix       did you mean 'dense'?
    """
    return UnknownNameError(f"There is no {kind} named {name!r}.", fix=nearest(str(name), options))
