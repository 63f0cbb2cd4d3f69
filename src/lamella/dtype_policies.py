"""Which dtype a layer computes in, and which it keeps its weights in: Keras's `keras.dtype_policies`."""

from __future__ import annotations

import re
from collections.abc import Iterator, MutableMapping
from typing import Any, ClassVar

from lamella import config as settings
from lamella.dtypes import standardize_dtype
from lamella.errors import ArgumentError, DtypeError, nearest
from lamella.registry import Catalog, deserialize_keras_object, matches, serialize_keras_object

QUANTIZATION_MODES = ("int8", "float8", "int4", "gptq", "awq")
_MIXED = {"mixed_float16": ("float16", "float32"), "mixed_bfloat16": ("bfloat16", "float32")}
_global: dict[str, DTypePolicy] = {}


class DTypePolicy:
    """A pair of dtypes: one to compute in, one to keep weights in.

    Args:    name: a dtype, "mixed_float16" or "mixed_bfloat16"; the global policy's if None.
    Example: >>> policy = DTypePolicy("mixed_bfloat16")
             >>> policy.compute_dtype, policy.variable_dtype
             ('bfloat16', 'float32')
    """

    def __init__(self, name: str | None = None):
        self._name = dtype_policy().name if name is None else name
        self._compute_dtype, self._variable_dtype = _pair(self._name)
        self._quantization_mode: str | None = None

    @property
    def name(self) -> str:
        return self._name

    @property
    def compute_dtype(self) -> str:
        """The dtype of inputs, outputs and everything between."""
        return self._compute_dtype

    @property
    def variable_dtype(self) -> str:
        """The dtype of the weights."""
        return self._variable_dtype

    @property
    def quantization_mode(self) -> str | None:
        """How the weights are quantized, or None."""
        return self._quantization_mode

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        return cls(**config)

    def __repr__(self) -> str:
        kind = "DTypePolicy" if type(self) is FloatDTypePolicy else type(self).__name__
        return f'<{kind} "{self.name}">'

    def __eq__(self, other: object) -> bool:
        same = {type(self), type(other)} <= {DTypePolicy, FloatDTypePolicy} or type(self) is type(other)
        return same and isinstance(other, DTypePolicy) and self.get_config() == other.get_config()

    def __hash__(self) -> int:
        return hash(self.name)


class FloatDTypePolicy(DTypePolicy):
    """The former name of `DTypePolicy`."""


class QuantizedDTypePolicy(DTypePolicy):
    """A policy whose weights are quantized.

    Args: mode: "int8", "float8", "int4", "gptq" or "awq".
          source_name: the policy that holds otherwise; the global one's name if None.
    """

    _fields: ClassVar[dict[str, Any]] = {}  # numbers behind the mode: name → whether a value is allowed

    def __init__(self, mode: str, source_name: str | None = None):
        self._source_name = dtype_policy().name if source_name is None else source_name
        super().__init__(self._source_name)
        self._mode = mode
        self._quantization_mode = mode.partition("/")[0] if self._fields else mode
        self._check()
        self._name = f"{mode}_from_{self._source_name}"

    def _check(self) -> None:
        mode = self._quantization_mode
        if mode not in QUANTIZATION_MODES:
            raise ArgumentError(
                "Invalid quantization mode.", expected=QUANTIZATION_MODES, received=f"mode={self._mode!r}"
            )
        if mode == "int8" and self._compute_dtype == "float16":
            raise ArgumentError("mode='int8' does not go with compute_dtype='float16'.", fix="compute in bfloat16")

    def get_config(self) -> dict[str, Any]:
        return {"mode": self._mode, "source_name": self._source_name}


class QuantizedFloat8DTypePolicy(QuantizedDTypePolicy):
    """Float8 with scales from the largest values of the last steps."""

    default_amax_history_length = 1024

    def __init__(self, mode: str, source_name: str | None = None, amax_history_length: int = 1024):
        super().__init__(mode, source_name)
        if not isinstance(amax_history_length, int):
            raise DtypeError("`amax_history_length` must be an integer.", received=repr(amax_history_length))
        self.amax_history_length = amax_history_length

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "amax_history_length": self.amax_history_length}


class _NumberedDTypePolicy(QuantizedDTypePolicy):
    """A mode with numbers behind it: "gptq/4/128"."""

    def __init__(self, mode: str, source_name: str | None = None):
        algorithm, *numbers = mode.split("/")
        allowed = "/".join([self._algorithm, *(f"<{field}>" for field in self._fields)])
        if algorithm != self._algorithm or len(numbers) != len(self._fields) or not all(map(_is_int, numbers)):
            raise ArgumentError(
                f"Invalid mode for {type(self).__name__}.", expected=f"'{allowed}'", received=repr(mode)
            )
        for (field, fits), number in zip(self._fields.items(), map(int, numbers), strict=True):
            if not fits(number):
                raise ArgumentError(f"Invalid {field} in the mode {mode!r}.", received=number)
            setattr(self, field, number)
        self.mode = algorithm
        super().__init__(mode, source_name)

    _algorithm: ClassVar[str]


def _is_int(text: str) -> bool:
    return re.fullmatch(r"-?\d+", text) is not None


def _is_group(size: int) -> bool:
    return size == -1 or size > 0


class Int4DTypePolicy(_NumberedDTypePolicy):
    """Int4 with a scale for every block of weights: "int4/<block_size>", -1 for one a channel."""

    _algorithm = "int4"
    _fields: ClassVar = {"block_size": _is_group}


class GPTQDTypePolicy(_NumberedDTypePolicy):
    """GPTQ: "gptq/<weight_bits>/<group_size>"."""

    _algorithm = "gptq"
    _fields: ClassVar = {"weight_bits": (2, 3, 4, 8).__contains__, "group_size": _is_group}


class AWQDTypePolicy(_NumberedDTypePolicy):
    """AWQ: "awq/4/<group_size>"."""

    _algorithm = "awq"
    _fields: ClassVar = {"weight_bits": (4).__eq__, "group_size": _is_group}


class DTypePolicyMap(DTypePolicy, MutableMapping[str, DTypePolicy]):
    """Policies by the path of a layer, which may be a regular expression, and one for the rest.

    Example: >>> policies = DTypePolicyMap("float32", {"encoder/.*": DTypePolicy("bfloat16")})
             >>> policies["encoder/dense"], policies["decoder"]
             (<DTypePolicy "bfloat16">, <DTypePolicy "float32">)
    """

    def __init__(self, default_policy: Any = None, policy_map: dict[str, Any] | None = None):
        if isinstance(default_policy, DTypePolicyMap):
            raise ArgumentError("`default_policy` cannot be a DTypePolicyMap.")
        if policy_map is not None and not isinstance(policy_map, dict):
            raise DtypeError("`policy_map` must be a dict.", received=repr(policy_map))
        self._default_policy_arg = default_policy
        self._default_policy = get(default_policy)
        self._policy_map: dict[str, DTypePolicy] = policy_map or {}

    @property
    def default_policy(self) -> DTypePolicy:
        """The policy of every layer that no key fits."""
        return self._default_policy

    @property
    def name(self) -> str:
        return f"map_{self.default_policy.name}"

    @property
    def compute_dtype(self) -> str:
        return self.default_policy.compute_dtype

    @property
    def variable_dtype(self) -> str:
        return self.default_policy.variable_dtype

    @property
    def quantization_mode(self) -> str | None:
        return self.default_policy.quantization_mode

    def __getitem__(self, key: str) -> DTypePolicy:
        if key in self._policy_map:
            return self._policy_map[key]
        fitting = [pattern for pattern in self._policy_map if matches(pattern, key, whole=True)]
        if len(fitting) > 1:
            raise ArgumentError(f"The path {key!r} fits several keys of the DTypePolicyMap.", received=fitting)
        return self._policy_map[fitting[0]] if fitting else self.default_policy

    def __setitem__(self, key: str, policy: Any) -> None:
        if key in self._policy_map:
            raise ArgumentError(
                f"The DTypePolicyMap has a policy for {key!r} already.", fix=f"del policies[{key!r}] first"
            )
        self._policy_map[key] = get(policy)

    def __delitem__(self, key: str) -> None:
        del self._policy_map[key]

    def __contains__(self, key: object) -> bool:
        return key in self._policy_map

    def __len__(self) -> int:
        return len(self._policy_map)

    def __iter__(self) -> Iterator[str]:
        return iter(self._policy_map)

    def __repr__(self) -> str:
        names = {key: policy.name for key, policy in self._policy_map.items()}
        return f"<DTypePolicyMap default_policy={self.default_policy.name}, mapping={names}>"

    __hash__ = DTypePolicy.__hash__

    def get_config(self) -> dict[str, Any]:
        return {"default_policy": self._default_policy_arg, "policy_map": serialize_keras_object(self._policy_map)}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Any:
        policies = deserialize_keras_object(config["policy_map"], custom_objects=custom_objects)
        return cls(**{**config, "policy_map": policies})


def _pair(name: Any) -> tuple[str, str]:
    """The dtypes to compute in and to keep weights in."""
    if not isinstance(name, str):
        raise DtypeError("The name of a policy is a string.", received=repr(name), fix="write 'mixed_bfloat16'")
    if name in _MIXED:
        return _MIXED[name]
    try:
        if not name:
            raise DtypeError("")
        return standardize_dtype(name), standardize_dtype(name)
    except DtypeError:
        fix = nearest(name, [*_MIXED, "float32", "bfloat16", "float16", "float64"])
        raise ArgumentError(f"Cannot convert {name!r} to a dtype policy.", fix=fix) from None


_BY_MODE = {"gptq": GPTQDTypePolicy, "awq": AWQDTypePolicy, "float8": QuantizedFloat8DTypePolicy}


def _quantized(name: str) -> DTypePolicy:
    mode, between, source = name.partition("_from_")
    if not between:
        raise ArgumentError(
            "Cannot convert `policy` into a quantization mode and the policy it starts from.",
            expected="<mode>_from_<policy>, such as 'int8_from_float32'",
            received=repr(name),
        )
    kind = Int4DTypePolicy if mode.startswith("int4/") else _BY_MODE.get(mode.partition("/")[0], QuantizedDTypePolicy)
    return kind(mode, source)


def _named(name: str) -> DTypePolicy:
    return _quantized(name) if name.startswith(QUANTIZATION_MODES) and name != "int8" else DTypePolicy(name)


# The global policy


def dtype_policy() -> DTypePolicy:
    """The policy of layers that are given none: that of `floatx` unless one was set."""
    return _global.get("policy") or DTypePolicy(settings.floatx())


def set_dtype_policy(policy: Any) -> None:
    """Sets the policy of layers that are given none.

    Raises: ArgumentError: neither a policy nor the name of one.
    """
    if not isinstance(policy, (str, DTypePolicy)):
        raise ArgumentError(
            "Invalid `policy` argument.",
            expected="a name such as 'mixed_float16', or a DTypePolicy",
            received=repr(policy),
        )
    _global["policy"] = _named(policy) if isinstance(policy, str) else policy


# By name and config

_POLICIES = Catalog(
    "dtype policy",
    (
        AWQDTypePolicy,
        DTypePolicy,
        DTypePolicyMap,
        FloatDTypePolicy,
        GPTQDTypePolicy,
        Int4DTypePolicy,
        QuantizedDTypePolicy,
        QuantizedFloat8DTypePolicy,
    ),
)


def serialize(dtype_policy: DTypePolicy) -> dict[str, Any]:
    """The config of a policy."""
    return serialize_keras_object(dtype_policy)


def deserialize(config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Any:
    """The policy that a config describes."""
    return _POLICIES.deserialize(config, custom_objects)


def get(identifier: Any) -> Any:
    """A policy from its name, a dtype, a config, or a policy; the global one for None.

    Raises:  ArgumentError: none of these.
    Example: >>> get("mixed_float16")
             <DTypePolicy "mixed_float16">
    """
    if identifier is None:
        return dtype_policy()
    if isinstance(identifier, DTypePolicy):
        return identifier
    if isinstance(identifier, dict):
        return deserialize(identifier)
    if isinstance(identifier, str):
        return _named(identifier)
    try:
        return DTypePolicy(standardize_dtype(identifier))
    except DtypeError:
        raise ArgumentError(
            "Cannot interpret `dtype` argument.", expected="the name of a dtype or policy", received=repr(identifier)
        ) from None


__all__ = [
    "AWQDTypePolicy",
    "DTypePolicy",
    "DTypePolicyMap",
    "FloatDTypePolicy",
    "GPTQDTypePolicy",
    "Int4DTypePolicy",
    "QuantizedDTypePolicy",
    "QuantizedFloat8DTypePolicy",
    "deserialize",
    "dtype_policy",
    "get",
    "serialize",
    "set_dtype_policy",
]
