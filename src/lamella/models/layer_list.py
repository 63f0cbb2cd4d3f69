"""The list that `model.layers` hands out: changing it would change nothing, so it says so."""

from __future__ import annotations

from typing import Any, NoReturn

import jax

from lamella.errors import StateError


class LayerList(list[Any]):
    """The layers of a model.  Slices, sums and copies of it are plain lists.

    Args:   layers: in order.
            owner: what the layers are of, for errors.
            fix: how layers of such a model are changed.
    Raises: StateError: where the list would be changed in place.
    """

    __slots__ = ("_fix", "_owner")

    def __init__(self, layers: Any, owner: str, fix: str):
        super().__init__(layers)
        self._owner, self._fix = owner, fix

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise StateError(
            f"The list that {self._owner}.layers returned is no part of the model: changing it would change nothing.",
            fix=f"{self._fix}; or take a list of your own: list(model.layers)",
        )

    append = extend = insert = pop = remove = clear = sort = reverse = _refuse  # type: ignore[assignment]
    __setitem__ = __delitem__ = __iadd__ = __imul__ = _refuse  # type: ignore[assignment]

    def copy(self) -> list[Any]:
        return list(self)

    def __reduce_ex__(self, protocol: Any) -> Any:
        return list, (list(self),)

    def __copy__(self) -> list[Any]:
        return list(self)

    def __deepcopy__(self, memo: dict[int, Any]) -> list[Any]:
        from copy import deepcopy

        return deepcopy(list(self), memo)


# Functions of jax.tree see a list.
jax.tree_util.register_pytree_node(LayerList, lambda held: (list(held), None), lambda _, held: list(held))  # type: ignore[arg-type]
