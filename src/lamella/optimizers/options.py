"""The arguments that every optimizer takes, written down once.

An optimizer's `__init__` names only its own arguments; `@with_options` puts the
shared ones where Keras has them, so that positional calls mean the same.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypedDict

OPTIONS: dict[str, Any] = {
    "weight_decay": None,
    "clipnorm": None,
    "clipvalue": None,
    "global_clipnorm": None,
    "use_ema": False,
    "ema_momentum": 0.99,
    "ema_overwrite_frequency": None,
    "loss_scale_factor": None,
    "gradient_accumulation_steps": None,
    "name": None,
}
"""Name and default, in Keras's order."""

P = ParamSpec("P")


class UndecayedOptions(TypedDict, total=False):
    """The same for type checkers, for optimizers that name `weight_decay` themselves."""

    clipnorm: float | None
    clipvalue: float | None
    global_clipnorm: float | None
    use_ema: bool
    ema_momentum: float
    ema_overwrite_frequency: int | None
    loss_scale_factor: float | None
    gradient_accumulation_steps: int | None
    name: str | None


class Options(UndecayedOptions, total=False):
    """The same for all others."""

    weight_decay: float | None


def with_options(init: Callable[P, None]) -> Callable[P, None]:
    """Gives an `__init__` that ends in `**options` the shared arguments, in Keras's order.

    They follow its positional arguments and come before its keyword-only ones.
    Arguments that are not shared are what `get_config` adds to the shared ones.
    """
    signature = _full_signature(init)
    own = tuple(
        n for n in inspect.signature(init).parameters if n not in ("self", "learning_rate", "options", *OPTIONS)
    )

    @wraps(init)
    def full(self: Any, *args: Any, **kwargs: Any) -> None:
        bound = signature.bind(self, *args, **kwargs)
        extra = bound.arguments.pop("kwargs", {})
        self._own_arguments_ = own
        init(**bound.arguments, **extra)  # type: ignore[call-arg]

    full.__signature__ = signature  # type: ignore[attr-defined]
    return full  # type: ignore[return-value]


def _full_signature(init: Callable[..., None]) -> inspect.Signature:
    plain = inspect.Parameter.POSITIONAL_OR_KEYWORD
    given = [p for p in inspect.signature(init).parameters.values() if p.kind is not p.VAR_KEYWORD]
    before = [p for p in given if p.kind is not p.KEYWORD_ONLY]
    after = [p.replace(kind=plain) for p in given if p.kind is p.KEYWORD_ONLY]
    known = {p.name for p in given}
    shared = [inspect.Parameter(n, plain, default=d) for n, d in OPTIONS.items() if n not in known]
    rest = inspect.Parameter("kwargs", inspect.Parameter.VAR_KEYWORD)
    return inspect.Signature([*before, *shared, *after, rest])
