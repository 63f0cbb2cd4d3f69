"""The one ambient thing: a frame that says how calls made inside it see the world.

Eager, pure and training are three frames, not three branches in
`Layer.__call__`.  Frames are immutable; entering one derives it from the
current one, so whatever is not named stays as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextvars import ContextVar, Token
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from lamella.state.variable import Variable


@dataclass(frozen=True, slots=True)
class Trial:
    """One run of a function on shapes, in which unknown sizes have numbers.

    stand_ins: the numbers that stand for unknown sizes; a layer that is built sees None for them.
    undo:      what takes back the builds of this run, should it fail.
    """

    stand_ins: frozenset[int] = frozenset()
    undo: list[Callable[[], None]] = field(default_factory=list)

    def with_unknown(self, shape: Iterable[int | None]) -> tuple[int | None, ...]:
        """A shape with None for the sizes that are unknown."""
        return tuple(None if size in self.stand_ins else size for size in shape)


class Frame(NamedTuple):
    """How a call sees state, training and its place in the model.

    training: what layers called without an explicit `training=` take.
    overlay:  values that stand in front of the variables' own; writes go
              there too.  None: variables read and write themselves.
    frozen:   what is built in this call does not train: a layer around it has `trainable = False`.
    autocast: dtype that float variables are read in, or None.
    losses:   collects what `add_loss` is given, or None.
    path:     names of the layers around this call, outermost first.
    deferred: variables made here compute their initial values when these are first read.
    trial:    the run on shapes that this call is part of, or None.
    observer: is told of every call (lamella.graph.Observer), or None.
    """

    training: bool | None = None
    overlay: dict[Variable, Any] | None = None
    frozen: bool = False
    autocast: str | None = None
    losses: list[Any] | None = None
    path: tuple[str, ...] = ()
    deferred: bool = False
    trial: Trial | None = None
    observer: Any = None


_OUTERMOST = Frame()
_current: ContextVar[Frame] = ContextVar("lamella_frame", default=_OUTERMOST)


def current() -> Frame:
    """The frame that holds here."""
    return _current.get()


class frame:  # noqa: N801 - used like a function: `with frame(training=True):`
    """Derives a frame from the current one for the length of a `with` block.

    Example: >>> with frame(training=True):
             ...     current().training
             True
    """

    __slots__ = ("_changes", "_token")
    _token: Token[Frame]

    def __init__(self, **changes: Any):
        self._changes = changes

    def __enter__(self) -> Frame:
        new = _current.get()._replace(**self._changes)
        self._token = _current.set(new)
        return new

    def __exit__(self, *_: object) -> None:
        _current.reset(self._token)
