"""keras.tree: nested lists, tuples and dicts of anything, taken apart and put together.

None is a leaf, and so is a Variable; dicts are gone through in the order of
their keys.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import jax

from lamella.errors import ArgumentError
from lamella.state import Variable

__all__ = [
    "MAP_TO_NONE",
    "assert_same_paths",
    "assert_same_structure",
    "flatten",
    "flatten_with_path",
    "is_nested",
    "lists_to_tuples",
    "map_shape_structure",
    "map_structure",
    "map_structure_up_to",
    "pack_sequence_as",
    "traverse",
]


class MAP_TO_NONE:  # noqa: N801 - Keras's name
    """What a function given to `traverse` returns to put None in a place."""


def _is_leaf(x: Any) -> bool:
    return x is None or isinstance(x, Variable)


def is_nested(structure: Any) -> bool:
    """Whether it is a list, tuple or dict (also an empty one), not a leaf.

    Example: >>> tree.is_nested([1]), tree.is_nested(1)
             (True, False)
    """
    return not _is_leaf(structure) and not jax.tree_util.all_leaves([structure])


def flatten(structure: Any) -> list[Any]:
    """The leaves, in order.

    Example: >>> tree.flatten({"b": [1, None], "a": 3})
             [3, 1, None]
    """
    return jax.tree.leaves(structure, is_leaf=_is_leaf)


def flatten_with_path(structure: Any) -> list[tuple[tuple[Any, ...], Any]]:
    """The leaves, in order, each with the keys and indices that lead to it.

    Example: >>> tree.flatten_with_path({"a": [5]})
             [(('a', 0), 5)]
    """
    found = jax.tree_util.tree_leaves_with_path(structure, is_leaf=_is_leaf)
    return [(tuple(_plain_path(structure, path)), leaf) for path, leaf in found]


def _plain_path(structure: Any, path: Any) -> Iterator[Any]:
    """The steps of a JAX path as keys and indices (into named tuples too)."""
    for step in path:
        if isinstance(step, jax.tree_util.GetAttrKey):
            key = structure._fields.index(step.name)
        else:
            key = step.idx if isinstance(step, jax.tree_util.SequenceKey) else step.key
        yield key
        structure = structure[key]


def map_structure(func: Callable[..., Any], *structures: Any, none_is_leaf: bool = True) -> Any:
    """The same structure with func(leaf, …) in the place of the leaves of one or more alike ones.

    Raises:  ArgumentError: no structure, or structures that differ.
    Example: >>> tree.map_structure(lambda a, b: a + b, [1, (2,)], [10, (20,)])
             [11, (22,)]
    """
    if not structures:
        raise ArgumentError("map_structure() needs a structure.")
    for other in structures[1:]:
        assert_same_structure(structures[0], other)
    if none_is_leaf:
        return jax.tree.map(func, *structures, is_leaf=_is_leaf)
    return jax.tree.map(lambda *leaves: None if leaves[0] is None else func(*leaves), *structures, is_leaf=_is_leaf)


def map_structure_up_to(shallow_structure: Any, func: Callable[..., Any], *structures: Any) -> Any:
    """`map_structure` that goes only as deep as `shallow_structure`, and gives func what is below.

    Example: >>> tree.map_structure_up_to([0, 0], len, [[1, 2], [3]])
             [2, 1]
    """
    if not structures:
        raise ArgumentError("map_structure_up_to() needs a structure.")
    try:
        return jax.tree.map(lambda _, *parts: func(*parts), shallow_structure, *structures, is_leaf=_is_leaf)
    except ValueError as error:
        raise ArgumentError("The structures differ.", received=error) from None


def _definition(structure: Any) -> Any:
    return jax.tree.structure(structure, is_leaf=_is_leaf)


def assert_same_structure(a: Any, b: Any, check_types: bool | None = None) -> None:
    """Checks that two are nested alike.

    Raises: ArgumentError: they are not.
    """
    if check_types is not None:
        warnings.warn("check_types has no effect any more.", DeprecationWarning, stacklevel=2)
    if _definition(a) != _definition(b):
        raise ArgumentError("Structures are not nested alike.", expected=_definition(a), received=_definition(b))


def assert_same_paths(a: Any, b: Any) -> None:
    """Checks that two have leaves at the same places; lists and tuples count as the same.

    Raises: ArgumentError: they have not.
    """
    first, second = ({path for path, _ in flatten_with_path(x)} for x in (a, b))
    if first != second:
        raise ArgumentError(
            "Structures do not have the same paths.",
            expected=sorted(first - second, key=str),
            received=sorted(second - first, key=str),
        )


def pack_sequence_as(structure: Any, flat_sequence: Any) -> Any:
    """The structure with these leaves, in order.

    Raises:  ArgumentError: more or fewer leaves than places.
    Example: >>> tree.pack_sequence_as({"a": 0, "b": [0]}, [1, 2])
             {'a': 1, 'b': [2]}
    """
    definition, leaves = _definition(structure), list(flat_sequence)
    if len(leaves) != definition.num_leaves:
        raise ArgumentError("Another number of leaves.", expected=definition.num_leaves, received=len(leaves))
    return jax.tree.unflatten(definition, leaves)


def traverse(func: Callable[[Any], Any], structure: Any, top_down: bool = True) -> Any:
    """Goes through a structure; where func(part) is not None, that takes the part's place.

    Args: top_down: parts before what they consist of (and then not into them), or after.
    """
    part = structure if top_down else _with_children(lambda child: traverse(func, child, False), structure)
    found = func(part)
    if found is None:
        return _with_children(lambda child: traverse(func, child), part) if top_down else part
    return None if found is MAP_TO_NONE else found


def _with_children(func: Callable[[Any], Any], structure: Any) -> Any:
    if not is_nested(structure):
        return structure
    return jax.tree.map(func, structure, is_leaf=lambda part: part is not structure)


def lists_to_tuples(structure: Any) -> Any:
    """The structure with tuples for lists."""
    return traverse(lambda part: tuple(part) if isinstance(part, list) else None, structure, top_down=False)


def map_shape_structure(func: Callable[[Any], Any], structure: Any) -> Any:
    """`map_structure` whose leaves are shapes: lists or tuples of ints and Nones.

    Example: >>> tree.map_shape_structure(len, {"a": (None, 3)})
             {'a': 2}
    """
    return jax.tree.map(func, structure, is_leaf=lambda x: _is_leaf(x) or _is_shape(x))


def _is_shape(x: Any) -> bool:
    return isinstance(x, (list, tuple)) and all(size is None or isinstance(size, int) for size in x)
