"""FeatureSpace: rows of a table as vectors, a preprocessing layer for each column."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, islice
from typing import Any

import numpy as np

from lamella import layers, ops
from lamella.errors import ArgumentError, DataError, DtypeError, StateError, unknown
from lamella.graph import KerasTensor
from lamella.registry import deserialize_keras_object, serialize_keras_object
from lamella.saving import save_model
from lamella.state import auto_name

__all__ = ["Cross", "Feature", "FeatureSpace", "TFDIdentity"]

_BATCH = 32  # rows at a time that a preprocessor adapts to, where data come one by one


class TFDIdentity(layers.Identity):
    """A column as it is.  (Its name is the one in Keras's files.)"""


class Cross:
    """Several features as one: the number of a bin, by the hash of their values.

    Raises: UnknownNameError: an output_mode other than "int" and "one_hot".
    """

    def __init__(self, feature_names: Iterable[str], crossing_dim: int, output_mode: str = "one_hot"):
        self.feature_names, self.crossing_dim = tuple(feature_names), crossing_dim
        self.output_mode = _known("output_mode", output_mode, ("int", "one_hot"))

    @property
    def name(self) -> str:
        return "_X_".join(self.feature_names)

    def get_config(self) -> dict[str, Any]:
        names = ("feature_names", "crossing_dim", "output_mode")
        return {name: getattr(self, name) for name in names}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Cross:
        return cls(**config)


class Feature:
    """A column: its dtype, the layer it goes through, and what becomes of the result.

    Raises: UnknownNameError: an output_mode other than "int", "one_hot" and "float".
    """

    def __init__(self, dtype: str, preprocessor: Any, output_mode: str):
        self.dtype = dtype
        self.preprocessor = deserialize_keras_object(preprocessor) if isinstance(preprocessor, dict) else preprocessor
        self.output_mode = _known("output_mode", output_mode, ("int", "one_hot", "float"))

    def get_config(self) -> dict[str, Any]:
        preprocessor = serialize_keras_object(self.preprocessor)
        return {"dtype": self.dtype, "preprocessor": preprocessor, "output_mode": self.output_mode}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Feature:
        return cls(**config)


class FeatureSpace(layers.Layer):
    """Encodes rows of a table, dicts of columns, as vectors.

    Args:    features: {column: kind}: the name of a kind, such as "float_normalized", or what a method of that
                 name gives, such as `FeatureSpace.string_categorical(max_tokens=100)`.
             output_mode: "concat" for one vector a row, or "dict" for one array a feature.
             crosses: pairs of columns (or more) that are hashed together, or what `FeatureSpace.cross` gives.
             crossing_dim, hashing_dim, num_discretization_bins: sizes for what is asked for by name.
    Raises:  ArgumentError: no features; a cross of columns that are none.  UnknownNameError: no such kind or mode.
    Example: >>> space = keras.utils.FeatureSpace({"age": "float_normalized", "pet": "string_categorical"})
             >>> rows = {"age": [1.0, 3.0], "pet": ["cat", "dog"]}
             >>> space.adapt(rows); space(rows).tolist()
             [[-1.0, 0.0, 0.0, 1.0], [1.0, 0.0, 1.0, 0.0]]
    """

    def __init__(
        self,
        features: Mapping[str, Any],
        output_mode: str = "concat",
        crosses: Iterable[Any] | None = None,
        crossing_dim: int = 32,
        hashing_dim: int = 32,
        num_discretization_bins: int = 32,
        name: str | None = None,
    ):
        super().__init__(name=name)
        if not features:
            raise ArgumentError("A FeatureSpace needs features.", expected="{column: kind}", received=repr(features))
        self.crossing_dim, self.hashing_dim = crossing_dim, hashing_dim
        self.num_discretization_bins = num_discretization_bins
        self.output_mode = _known("output_mode", output_mode, ("dict", "concat"))
        self.features = {name: self._feature(name, kind) for name, kind in features.items()}
        self.crosses = [self._cross(cross) for cross in crosses or ()]
        self.crosses_by_name = {cross.name: cross for cross in self.crosses}
        self.inputs = {name: layers.Input((1,), dtype=f.dtype, name=name) for name, f in self.features.items()}
        self.preprocessors = {name: feature.preprocessor for name, feature in self.features.items()}
        self.crossers = {c.name: layers.HashedCrossing(c.crossing_dim, name=c.name) for c in self.crosses}
        self.one_hot_encoders: dict[str, Any] = {}
        self.encoded_features: Any = None
        self._is_adapted = False

    def _feature(self, name: str, kind: Any) -> Feature:
        if isinstance(kind, Feature):
            return kind
        if isinstance(kind, dict):
            return deserialize_keras_object(kind)
        hashed = dict.fromkeys(("integer_hashed", "string_hashed"), self.hashing_dim)
        sizes = {**hashed, "float_discretized": self.num_discretization_bins}
        make = getattr(self, _known("kind of feature", kind, _KINDS))
        return make(sizes[kind], name=name) if kind in sizes else make(name=name)

    def _cross(self, cross: Any) -> Cross:
        cross = deserialize_keras_object(cross) if isinstance(cross, dict) else cross
        if not isinstance(cross, Cross):
            if not self.crossing_dim:
                raise ArgumentError("Crosses need a `crossing_dim`, the number of bins.", received=self.crossing_dim)
            cross = Cross(cross, self.crossing_dim)
        for column in cross.feature_names:
            if column not in self.features:
                raise unknown("feature", column, self.features)
        return cross

    # Learning

    def _learning(self) -> list[str]:
        """The columns whose preprocessor has something to learn from data."""
        return [name for name, layer in self.preprocessors.items() if hasattr(layer, "adapt") and not _is_told(layer)]

    def adapt(self, dataset: Any) -> None:
        """Lets every preprocessor learn from its column.

        Args:   dataset: a dict of columns, or an iterable of dicts: rows, or batches of them.
        Raises: DtypeError: something else.  DataError: no rows, or a column that is not there.
        """
        if not isinstance(dataset, dict):
            if not isinstance(dataset, Iterable):
                raise DtypeError("adapt() takes a dict of columns, or dicts.", received=type(dataset).__name__)
            dataset = list(dataset) if isinstance(dataset, Iterator) else dataset  # it is gone through several times
        for name in self._learning():
            self.preprocessors[name].adapt(_column(dataset, name))
        self._is_adapted, self.encoded_features, self.one_hot_encoders = True, None, {}
        self.get_encoded_features()
        self.built = True

    def get_inputs(self) -> dict[str, Any]:
        """{column: Input}, for a model that begins with these features."""
        self.get_encoded_features()
        return self.inputs

    def get_encoded_features(self) -> Any:
        """What the inputs become, symbolically: the model goes on from here.

        Raises: StateError: `adapt` was not called yet.
        """
        if not self._is_adapted and self._learning():
            raise StateError(
                f"FeatureSpace {self.name!r} has not learned its columns {self._learning()} yet.",
                fix="call adapt(data) first",
            )
        if self.encoded_features is None:
            self.encoded_features = self._encoded(self.inputs)
        return self.encoded_features

    # The call

    def __call__(self, data: Any) -> Any:
        """Encodes a dict of columns, or of one row's values.

        Raises: DtypeError: no dict.  DataError: a column is missing.
        """
        self.get_encoded_features()
        if "tensorflow" in sys.modules and self._holds_graph_tensors_((data,), {}):
            return super().__call__(data)
        if not isinstance(data, dict):
            raise DtypeError("A FeatureSpace is called on a dict of columns.", received=type(data).__name__)
        missing = sorted(set(self.features) - set(data))
        if missing:
            raise DataError("Columns are missing.", expected=sorted(self.features), received=sorted(data))
        single = any(np.ndim(value) == 0 for value in data.values() if not isinstance(value, KerasTensor))
        encoded = self._encoded({name: _as_column(data[name]) for name in self.features})
        if not single:
            return encoded
        return {name: value[0] for name, value in encoded.items()} if isinstance(encoded, dict) else encoded[0]

    def _outputs_in_graph(self, data: dict[str, Any]) -> Any:
        """What rows become in a graph of TensorFlow; columns of single values are one row."""
        single = any(not data[name].shape for name in self.features)

        def rows(encoded: KerasTensor) -> KerasTensor:
            return KerasTensor(encoded.shape[1:] if single else encoded.shape, encoded.dtype)

        encoded = self.get_encoded_features()
        return {name: rows(one) for name, one in encoded.items()} if isinstance(encoded, dict) else rows(encoded)

    def _encoded(self, columns: dict[str, Any]) -> Any:
        found = {name: self.preprocessors[name](column) for name, column in columns.items()}
        crossed = {c.name: self.crossers[c.name]([found[name] for name in c.feature_names]) for c in self.crosses}
        encoded = {name: self._finished(name, self.features[name], found[name]) for name in sorted(found)}
        encoded |= {name: self._finished(name, self.crosses_by_name[name], crossed[name]) for name in sorted(crossed)}
        return encoded if self.output_mode == "dict" else ops.concatenate(list(encoded.values()), axis=-1)

    def _finished(self, name: str, spec: Feature | Cross, value: Any) -> Any:
        """A feature as its output mode says; in mode "concat" it must be floats by then."""
        dtype = str(value.dtype)
        if spec.output_mode == "one_hot":
            if not dtype.startswith("int"):
                raise DtypeError(f"Feature {name!r} is to be one-hot, so its layer must give integers.", received=dtype)
            value = self._one_hot(name)(value)
        elif self.output_mode == "concat" and not dtype.startswith(("float", "bfloat")):
            raise DtypeError(
                f"Feature {name!r} cannot be concatenated: it is not encoded.",
                received=dtype,
                fix="use output_mode='dict' for the FeatureSpace, or 'one_hot' for the feature",
            )
        is_text = isinstance(value, np.ndarray) and value.dtype.kind in "USO"
        return value if is_text or isinstance(value, KerasTensor) else ops.convert_to_tensor(value)

    def _one_hot(self, name: str) -> Any:
        if name not in self.one_hot_encoders:
            count = _cardinality(name, self.preprocessors.get(name) or self.crossers[name])
            self.one_hot_encoders[name] = layers.CategoryEncoding(count, output_mode="multi_hot")
        return self.one_hot_encoders[name]

    # Files

    def get_config(self) -> dict[str, Any]:
        names = ("output_mode", "crossing_dim", "hashing_dim", "num_discretization_bins")
        objects = {name: serialize_keras_object(getattr(self, name)) for name in ("features", "crosses")}
        return {**objects, **{name: getattr(self, name) for name in names}}

    def get_build_config(self) -> dict[str, Any]:
        return {name: layer.get_build_config() for name, layer in self.preprocessors.items()}

    def build_from_config(self, config: dict[str, Any]) -> None:
        for name, layer in self.preprocessors.items():
            if not layer.built and config.get(name):
                layer.build_from_config(config[name])
        self._is_adapted = True

    def save(self, filepath: Any) -> None:
        """Writes a `.keras` file, which `keras.models.load_model` reads."""
        save_model(self, filepath)

    def save_own_variables(self, store: Any) -> None: ...
    def load_own_variables(self, store: Any) -> None: ...

    # Kinds of features

    @classmethod
    def cross(cls, feature_names: Iterable[str], crossing_dim: int, output_mode: str = "one_hot") -> Cross:
        """Several columns hashed together into `crossing_dim` bins."""
        return Cross(feature_names, crossing_dim, output_mode)

    @classmethod
    def feature(cls, dtype: str, preprocessor: Any, output_mode: str) -> Feature:
        """A column with a layer of your own."""
        return Feature(dtype, preprocessor, output_mode)

    @classmethod
    def float(cls, name: str | None = None) -> Feature:
        """Numbers as they are."""
        return Feature("float32", TFDIdentity(dtype="float32", name=_layer_name("float", name)), "float")

    @classmethod
    def float_rescaled(cls, scale: Any = 1.0, offset: Any = 0.0, name: str | None = None) -> Feature:
        """Numbers times `scale`, plus `offset`."""
        return Feature("float32", layers.Rescaling(scale, offset, name=_layer_name("float_rescaled", name)), "float")

    @classmethod
    def float_normalized(cls, name: str | None = None) -> Feature:
        """Numbers brought to mean 0 and variance 1."""
        return Feature("float32", layers.Normalization(name=_layer_name("float_normalized", name)), "float")

    @classmethod
    def float_discretized(
        cls, num_bins: int | None, bin_boundaries: Any = None, output_mode: str = "one_hot", name: str | None = None
    ) -> Feature:
        """Numbers by the bin they fall into."""
        name = _layer_name("float_discretized", name)
        return Feature("float32", layers.Discretization(bin_boundaries, num_bins, name=name), output_mode)

    @classmethod
    def integer_categorical(
        cls, max_tokens: int | None = None, num_oov_indices: int = 1, output_mode: str = "one_hot", name: Any = None
    ) -> Feature:
        """Integers by their number in a vocabulary."""
        name = _layer_name("integer_categorical", name)
        return Feature("int32", layers.IntegerLookup(max_tokens, num_oov_indices, name=name), output_mode)

    @classmethod
    def string_categorical(
        cls, max_tokens: int | None = None, num_oov_indices: int = 1, output_mode: str = "one_hot", name: Any = None
    ) -> Feature:
        """Texts by their number in a vocabulary."""
        name = _layer_name("string_categorical", name)
        return Feature("string", layers.StringLookup(max_tokens, num_oov_indices, name=name), output_mode)

    @classmethod
    def string_hashed(cls, num_bins: int, output_mode: str = "one_hot", name: str | None = None) -> Feature:
        """Texts by the bin of their hash."""
        return Feature("string", layers.Hashing(num_bins, name=_layer_name("string_hashed", name)), output_mode)

    @classmethod
    def integer_hashed(cls, num_bins: int, output_mode: str = "one_hot", name: str | None = None) -> Feature:
        """Integers by the bin of their hash."""
        return Feature("int32", layers.Hashing(num_bins, name=_layer_name("integer_hashed", name)), output_mode)


_KINDS = (
    *("float", "float_normalized", "float_rescaled", "float_discretized"),
    *("integer_categorical", "string_categorical", "integer_hashed", "string_hashed"),
)


def _known(kind: str, name: Any, options: tuple[str, ...]) -> Any:
    if name not in options:
        raise unknown(kind, name, options)
    return name


def _layer_name(kind: str, name: str | None) -> str:
    return f"{name or auto_name(kind)}_preprocessor"


def _is_told(layer: Any) -> bool:
    """Whether a preprocessor was given what others learn."""
    if isinstance(layer, layers.Normalization):
        return layer.input_mean is not None
    if isinstance(layer, layers.Discretization):
        return layer.num_bins is None
    return bool(getattr(layer, "_fixed", False))


def _cardinality(name: str, layer: Any) -> int:
    """How many different integers a preprocessor gives."""
    if hasattr(layer, "vocabulary_size"):
        return layer.vocabulary_size()
    count = getattr(layer, "num_tokens", None) or getattr(layer, "num_bins", None)
    if count is None and isinstance(layer, layers.Discretization):
        count = len(layer.bin_boundaries) + 1
    if count is None:
        raise ArgumentError(
            f"Feature {name!r} cannot be one-hot: how many integers {type(layer).__name__} gives is not known.",
            fix="use output_mode='int'",
        )
    return count


def _as_column(value: Any) -> Any:
    """Values as (rows, 1), or as they are if they have more axes; a single one is a row."""
    if isinstance(value, KerasTensor):
        return value
    value = np.asarray(value)
    value = value.astype("float32") if value.dtype == "float64" else value
    return value.reshape(-1, 1) if value.ndim < 2 else value


def _column(dataset: Any, name: str) -> Iterator[np.ndarray]:
    """One column, batch by batch."""
    rows = iter([dataset] if isinstance(dataset, dict) else dataset)
    first = next(rows, None)
    if first is None or name not in first:
        raise DataError(f"There is no column {name!r} to adapt to.", received=first if first is None else sorted(first))
    values = (np.asarray(row[name]) for row in chain([first], rows))
    if np.ndim(first[name]) == 0:
        while batch := list(islice(values, _BATCH)):
            yield _as_column(np.stack(batch))
    elif isinstance(dataset, dict):
        whole = _as_column(next(values))
        yield from (whole[start : start + _BATCH] for start in range(0, len(whole), _BATCH))
    else:
        yield from map(_as_column, values)
