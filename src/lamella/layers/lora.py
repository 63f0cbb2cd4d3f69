"""Low-rank adaptation: a frozen kernel, and a small trained product added to it.

Source: Hu et al. 2021, LoRA: Low-Rank Adaptation of Large Language Models.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from lamella import initializers, ops
from lamella.errors import StateError
from lamella.layers.configured import Configured
from lamella.state import Variable


class LowRank(Configured):
    """A layer with one kernel that can be adapted: kernel + alpha / rank · a @ b.

    adapted: the name of the kernel; the variable itself is kept as `_<name>`.
    """

    adapted: ClassVar[str] = "kernel"
    lora_enabled = False
    lora_rank: int | None
    lora_alpha: Any

    def _keep_lora_(self, rank: int | None, alpha: float | None) -> None:
        self.lora_rank = rank
        self.lora_alpha = alpha if alpha is not None else rank

    def _refuse_quantization_(self, config: Any) -> None:
        if config is not None:
            raise self._refusal_(
                "quantization_config", config, "None: layers compute in floating point", "leave it out"
            )
        self.quantization_config = None

    def _adapt_(self) -> None:
        """The last step of `build`: adds the low-rank weights if the constructor asked for them."""
        if self.quantization_mode is not None:
            policy = self.dtype_policy.name
            raise self._refusal_("dtype", policy, "a policy of floating point", f"dtype={policy.split('_from_')[-1]!r}")
        if self.lora_rank:
            self.built = True
            self.enable_lora(self.lora_rank, self.lora_alpha)

    @property
    def _original_(self) -> Variable:
        return getattr(self, f"_{self.adapted}")

    def _adapted_kernel_(self) -> Any:
        """The kernel as calls see it."""
        if f"_{self.adapted}" not in vars(self):
            raise UnbuiltError(
                f"{type(self).__name__} {self.name!r} has no `{self.adapted}` yet.", fix="build it, or call it"
            )
        if not self.lora_enabled:
            return self._original_
        a, b = (getattr(self, f"lora_{self.adapted}_{side}") for side in "ab")
        scale = self.lora_alpha / (self.lora_rank or 1)
        return ops.cast(self._original_ + scale * ops.matmul(a, b), self.compute_dtype)

    def enable_lora(
        self,
        rank: int,
        lora_alpha: float | None = None,
        a_initializer: Any = "he_uniform",
        b_initializer: Any = "zeros",
    ) -> None:
        """Freezes the kernel and trains two thin matrices in its place.

        Args:    rank: the inner size of the product, small.
                 lora_alpha: scales the product by lora_alpha / rank; rank if None.
        Raises:  StateError: the layer is not built, or adapted already.
                 ArgumentError: the kernel has a constraint.
        Example: >>> dense = Dense(4); dense.build((None, 8)); dense.enable_lora(2)
                 >>> [v.shape for v in dense.trainable_variables]
                 [(4,), (8, 2), (2, 4)]
        """
        if getattr(self, f"{self.adapted}_constraint"):
            raise self._refusal_("rank", rank, f"no {self.adapted}_constraint, which a sum could not obey")
        if not self.built or self.lora_enabled:
            state = "adapted already" if self.lora_enabled else "not built yet"
            raise StateError(f"{type(self).__name__} {self.name!r} cannot be adapted: it is {state}.")
        shape, penalty = self._original_.shape, getattr(self, f"{self.adapted}_regularizer")
        thin = {"a": ((*shape[:-1], rank), a_initializer), "b": ((rank, shape[-1]), b_initializer)}
        for side, (size, initializer) in thin.items():
            name = f"lora_{self.adapted}_{side}"
            options = {"initializer": initializers.get(initializer), "regularizer": penalty}
            setattr(self, name, self.add_weight(shape=size, name=name, dtype="float32", **options))
        self._original_.trainable = False
        self.lora_enabled, self.lora_rank = True, rank
        self.lora_alpha = lora_alpha if lora_alpha is not None else rank

    def get_config(self) -> dict[str, Any]:
        adaptation = {"lora_rank": self.lora_rank, "lora_alpha": self.lora_alpha} if self.lora_rank else {}
        return {**super().get_config(), **adaptation}

    # Files hold the adapted kernel as one array, so that any layer reads them

    def _plain_variables_(self) -> list[Variable]:
        return [v for v in self._own_variables_() if not v.name.startswith("lora_")]

    def save_own_variables(self, store: Any) -> None:
        if not self.lora_enabled:
            return super().save_own_variables(store)
        for index, variable in enumerate(self._plain_variables_()):
            value = self._adapted_kernel_() if variable is self._original_ else variable
            store[str(index)] = np.asarray(value)

    def load_own_variables(self, store: Any) -> None:
        if not self.lora_enabled:
            return super().load_own_variables(store)
        for index, variable in enumerate(self._plain_variables_()):
            variable.assign(store[str(index)])
        for side in "ab":
            thin = getattr(self, f"lora_{self.adapted}_{side}")
            thin.assign(ops.zeros(thin.shape))


class UnbuiltError(StateError, AttributeError):
    """A weight was asked for before it was made; `hasattr` answers False."""
