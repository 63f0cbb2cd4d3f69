"""A model's state as Keras nests it: by kind, then by the path of each variable.

{"trainable_variables": {"sequential": {"dense": {"kernel": array, …}}}, "non_trainable_variables": …,
 "optimizer_variables": {"adam": {"iteration": array, …}}, "metrics_variables": {"loss": {"total": array, …}}}
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from lamella.errors import ArgumentError, StateError
from lamella.state import Variable

KINDS = ("trainable_variables", "non_trainable_variables", "optimizer_variables", "metrics_variables")
_FORMATS = ("backend_tensor", "numpy_array")


def state_tree(model: Any, value_format: str = "backend_tensor") -> dict[str, Any]:
    """The state of a model, of its optimizer and of its metrics.

    Args:    value_format: "backend_tensor" for JAX arrays, "numpy_array" for arrays of NumPy.
    Raises:  StateError: two variables have one path.
    Example: >>> state_tree(Sequential([Input((3,)), Dense(2, name="d")], name="m"))["trainable_variables"]["m"].keys()
             dict_keys(['d'])
    """
    if value_format not in _FORMATS:
        raise ArgumentError("Unknown value_format.", expected=_FORMATS, received=repr(value_format))
    is_numpy = value_format == "numpy_array"
    return {
        kind: nested((variable.path, variable.numpy() if is_numpy else variable.raw) for variable in variables)
        for kind, variables in by_kind(model).items()
    }


def assign_state_tree(model: Any, tree: Mapping[str, Any]) -> None:
    """Gives a model what `state_tree` returned; paths that the model lacks are passed over, as Keras does.

    Raises: ArgumentError: the tree holds something else.  ShapeError: a value does not fit.
    """
    if unknown := sorted(set(tree) - set(KINDS)):
        raise ArgumentError("A state tree holds the kinds of variables of a model.", expected=KINDS, received=unknown)
    variables = by_kind(model)
    for kind, values in tree.items():
        by_path = {variable.path: variable for variable in variables[kind]}
        for path, value in flat(values):
            if path in by_path:
                by_path[path].assign(value)


def by_kind(model: Any) -> dict[str, list[Variable]]:
    """The variables of each kind."""
    optimizer = getattr(model, "optimizer", None)
    slots = [] if optimizer is None else optimizer.variables
    kinds = (model.trainable_variables, model.non_trainable_variables, slots, getattr(model, "metrics_variables", []))
    return dict(zip(KINDS, kinds, strict=True))


def nested(values: Any) -> dict[str, Any]:
    """Values by path as dicts of dicts.

    Raises:  StateError: a path stands twice, or inside of another.
    Example: >>> nested([("a/b", 1), ("a/c", 2)])
             {'a': {'b': 1, 'c': 2}}
    """
    tree: dict[str, Any] = {}
    for path, value in values:
        *above, last = path.split("/")
        inner = tree
        for name in above:
            inner = inner.setdefault(name, {})
            if not isinstance(inner, dict):
                break
        if not isinstance(inner, dict) or last in inner:
            raise StateError(f"Two variables of the model have the path {path!r}.", fix="give the layers unique names")
        inner[last] = value
    return tree


def flat(tree: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """Yields (path, value) for what `nested` nested."""
    for name, value in tree.items():
        if isinstance(value, Mapping):
            yield from flat(value, f"{above}{name}/")
        else:
            yield above + name, value


def unique_paths(variables: list[Variable]) -> dict[Variable, str]:
    """A path for each variable that is no other's, nor inside of another's: its own where that can be."""
    paths: dict[Variable, str] = {}
    leaves: set[str] = set()
    above: set[str] = set()
    for variable in variables:
        path, number = variable.path, 0
        while path in leaves or path in above or not leaves.isdisjoint(_above(path)):
            number += 1
            path = f"{variable.path.replace('/', '_')}_{number}"
        paths[variable] = path
        leaves.add(path)
        above.update(_above(path))
    return paths


def _above(path: str) -> list[str]:
    """`a` and `a/b` for `a/b/c`."""
    parts = path.split("/")
    return ["/".join(parts[:count]) for count in range(1, len(parts))]
