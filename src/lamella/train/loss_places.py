"""Which losses are for which outputs, where outputs and losses are nested."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from lamella.errors import ArgumentError


class Place(NamedTuple):
    """One loss, and the outputs it is for.

    path:    the keys that lead to them.
    outputs: the number of an output, or a structure of numbers that the loss is given as a whole.
    """

    path: tuple[Any, ...]
    outputs: Any
    loss: Any
    weight: Any


def loss_places(
    loss: Any, weight: Any, outputs: Any, path: tuple[Any, ...] = (), whole: bool = False
) -> Iterator[Place]:
    """The losses one by one.

    Args:   loss: a loss; or, in the structure of the outputs or as many as there are, lists and dicts of them.  A
                list where the outputs are no list is several losses for the same.
            weight: one number, or in the structure of `loss`.
            outputs: the structure of the outputs, numbered.
            whole: a loss is given all outputs at once, and not each for itself.
    Raises: ArgumentError: the loss is for something that is not there.
    """
    if loss is None:
        return
    if not isinstance(loss, (list, tuple, dict)):
        for_each = isinstance(loss, str) or not (path or whole)
        for place, output in places(outputs, path) if for_each else [(path, outputs)]:
            yield Place(place, output, loss, weight)
        return
    weights = _weights_of(weight, loss)
    leaves = list(places(outputs, path))
    if isinstance(loss, (list, tuple)):
        if len(loss) == len(leaves) and not any(isinstance(one, (list, tuple, dict)) for one in loss):
            for (place, output), one, of_one in zip(leaves, loss, weights, strict=True):
                yield from loss_places(one, of_one, output, place)
        elif isinstance(outputs, type(loss)) and len(loss) == len(outputs):
            for index, (one, of_one) in enumerate(zip(loss, weights, strict=True)):
                yield from loss_places(one, of_one, outputs[index], (*path, index))
        elif (path or whole or is_for_whole(loss, outputs)) and not isinstance(outputs, type(loss)):
            for one, of_one in zip(loss, weights, strict=True):
                yield from loss_places(one, of_one, outputs, path, whole=True)
        else:
            raise _unknown(loss, outputs, path)
        return
    if not isinstance(outputs, dict) or not set(loss) <= set(outputs):
        raise _unknown(loss, outputs, path)
    for (key, one), of_one in zip(loss.items(), weights, strict=True):
        yield from loss_places(one, of_one, outputs[key], (*path, key))


def is_for_whole(loss: Any, outputs: Any) -> bool:
    """Whether each entry of a list is for all outputs: they are in another container, and some entry has its parts."""
    parts = isinstance(loss, (list, tuple)) and any(isinstance(one, (list, tuple, dict)) for one in loss)
    return parts and not isinstance(outputs, type(loss))


def places(outputs: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """(path, number) of each output in a structure of numbers."""
    if isinstance(outputs, dict):
        for key in sorted(outputs):
            yield from places(outputs[key], (*path, key))
    elif isinstance(outputs, (list, tuple)):
        for index, item in enumerate(outputs):
            yield from places(item, (*path, index))
    else:
        yield path, outputs


def matched(outputs: Any, value: Any) -> list[Any]:
    """What a nested value has for each output: lists and tuples are the same, None and missing keys say nothing.

    Raises: ValueError: it has another structure.
    """
    if not isinstance(outputs, (list, tuple, dict)):
        return [value]
    if value is None:
        return [None for _ in places(outputs)]
    if isinstance(outputs, dict) and isinstance(value, dict) and set(value) <= set(outputs):
        return [one for key in sorted(outputs) for one in matched(outputs[key], value.get(key))]
    alike = isinstance(outputs, (list, tuple)) and isinstance(value, (list, tuple)) and len(outputs) == len(value)
    if not alike:
        raise ValueError("another structure")
    return [one for of_one, part in zip(outputs, value, strict=True) for one in matched(of_one, part)]


def name_of_place(path: tuple[Any, ...], names: list[str | None]) -> str | None:
    """How a loss at a path is reported: the keys to it, and the output's name in place of its number."""
    name = names[0]
    if not path:
        return "_".join(str(one) for one in names) if len(names) > 1 and None not in names else name
    last = name if isinstance(path[-1], int) else path[-1]
    return None if last is None else "/".join(map(str, (*path[:-1], last)))


def _weights_of(weight: Any, loss: Any) -> list[Any]:
    if isinstance(weight, dict) and isinstance(loss, dict):
        return [weight.get(key) for key in loss]
    if isinstance(weight, (list, tuple)) and len(weight) == len(loss):
        return list(weight)
    if isinstance(weight, (list, tuple, dict)):
        raise ArgumentError(
            "`loss_weights` does not fit the losses.", expected=repr(loss)[:200], received=repr(weight)[:200]
        )
    return [weight] * len(loss)


def _unknown(loss: Any, outputs: Any, path: tuple[Any, ...]) -> ArgumentError:
    where = f" at {'/'.join(map(str, path))!r}" if path else ""
    return ArgumentError(
        f"`loss` does not fit the model's outputs{where}.",
        expected=f"the structure {outputs!r}, with a loss for each number",
        received=repr(loss)[:200],
    )
