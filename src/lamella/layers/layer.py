"""Layer: a unit of computation with state."""

from __future__ import annotations

import sys
import warnings
import weakref
from contextlib import suppress
from typing import TYPE_CHECKING, Any, ClassVar

import jax
import numpy as np

from lamella import dtype_policies, regularizers
from lamella.dtypes import is_float
from lamella.errors import (
    ArgumentError,
    ConfigError,
    LamellaError,
    ShapeError,
    StateError,
    parameters_of,
    unknown_arguments,
)
from lamella.graph import KerasTensor, any_symbolic, open_sizes, output_spec, record
from lamella.layers.building import building
from lamella.layers.call import Call, converted, map_shapes, set_masks, signature_of
from lamella.layers.input_spec import check_inputs, describe
from lamella.layers.keywords import take_input_shape
from lamella.layers.no_layers import NoLayers
from lamella.layers.private_names import PRIVATE_NAMES
from lamella.layers.rematerialized import call_of
from lamella.layers.tensorflow_graph import call_in_graph, holds_graph_tensors
from lamella.layers.weights import Weights
from lamella.state import Frame, aliases, current, current_remat, frame

if TYPE_CHECKING:
    from lamella.anatomy import Anatomy


@aliases(**PRIVATE_NAMES)
class Layer(Weights):
    """A unit of computation with state: subclass it, make weights in `build`, compute in `call`.

    Args:    activity_regularizer: a penalty on the outputs.
             trainable: whether training may change its weights.
             dtype: a dtype, or a policy such as "mixed_bfloat16"; the global one if None.
             autocast: whether inputs are cast to the compute dtype.
             name: unique in a model; automatic if None.
    Example: >>> class Scale(Layer):
             ...     def build(self, input_shape):
             ...         self.factor = self.add_weight(initializer="ones", name="factor")
             ...     def call(self, x):
             ...         return x * self.factor
             >>> Scale()(np.ones((2, 3))).shape
             (2, 3)
    """

    runs_on_host = False  # works on strings, outside of compiled code
    supports_jit = True
    config_of_class = ("dtype", "activity_regularizer")
    differs_in_training: bool | None = None  # None: it does if `call` takes `training`
    _convert_input_args = True
    _allow_non_tensor_positional_args = False
    input_spec: Any = None
    supports_masking = False
    _build_by_call_on_: Any = None  # the shape that an own build() passed to the inherited one
    _call_to_build_for_: Call | None = None
    called_on: tuple[tuple[Any, ...], dict[str, Any]] | None = None  # the arguments it was built on

    def __init_subclass__(cls, **kwargs: Any):
        super().__init_subclass__(**kwargs)
        own = vars(cls)
        if "build" in own:
            cls.build = building(cls.build)
        if "compute_mask" in own and "supports_masking" not in own:
            cls.supports_masking = True

    def __init__(
        self,
        *,
        activity_regularizer: Any = None,
        trainable: bool = True,
        dtype: Any = None,
        autocast: bool = True,
        name: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(name)
        self._input_shape_arg = take_input_shape(kwargs)
        if kwargs:
            raise unknown_arguments(f"{type(self).__name__}()", kwargs, parameters_of(type(self)))
        if not isinstance(trainable, bool):
            raise ArgumentError("`trainable` is True or False.", received=repr(trainable))
        self._added_ = []
        self._losses: list[tuple[Layer, Any]] = []
        self._trainable = trainable
        self._dtype_policy = dtype_policies.get(dtype)
        self.activity_regularizer = regularizers.get(activity_regularizer)
        self.autocast = autocast
        self.built = False
        self._remat_mode = current_remat()

    if not TYPE_CHECKING:
        layers = NoLayers()

    # The call

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Calls the layer: on arrays it computes, on symbolic tensors it records a node.

        An explicit `training=` holds for everything inside of this call.
        """
        if "tensorflow" in sys.modules and self._holds_graph_tensors_(args, kwargs):
            return call_in_graph(self, args, kwargs)
        here = current()
        if here.observer is not None:
            return here.observer.around(self, self._called, args, kwargs)
        return self._called(*args, **kwargs)

    _holds_graph_tensors_ = staticmethod(holds_graph_tensors)
    autograph_info__: ClassVar[dict[str, Any]] = {}  # TensorFlow's AutoGraph leaves calls as they are

    def _called(self, *args: Any, **kwargs: Any) -> Any:
        here, symbolic = current(), any_symbolic(args) or any_symbolic(kwargs.values())
        call = self._bound_(*self._converted_(args, kwargs), here)
        self._check_(call.first)
        call.find_masks()
        self._build_for_(call, symbolic)
        with self._frame_of_call_(here, call.training) as inside:
            outputs = self._run_(call, symbolic)
        if symbolic:
            outputs = record(self, args, kwargs, outputs)
        elif not here.path and here.overlay is None:
            self._keep_losses_(inside)
        self._pass_mask_(call, outputs)
        return outputs

    def _run_(self, call: Call, symbolic: bool) -> Any:
        """Computes the outputs, or their shapes."""
        function = self.compute_output_spec if symbolic else call_of(self)
        try:
            outputs = function(*call.args, **call.passed())
        except Exception as error:
            located = self._located_(error, call.first)
            if located is error:
                raise
            raise located from error
        self.built = True
        if type(self).runs_on_host is True and not symbolic:
            outputs = jax.tree.map(_on_device, outputs)
        if self.activity_regularizer is not None and not symbolic:
            self._penalize_(outputs)
        return outputs

    def _converted_(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        if "_added_" not in vars(self):
            raise StateError(
                f"{type(self).__name__}.__init__() does not call super().__init__().", fix="add it as its first line"
            )
        if not self._convert_input_args or self.runs_on_host:
            return args, dict(kwargs)
        dtype = self.input_dtype if self.autocast and is_float(self.input_dtype) else None
        args = tuple(converted(arg, dtype) for arg in args)
        if not self._allow_non_tensor_positional_args:
            for leaf in jax.tree.leaves(args):
                if not isinstance(leaf, (jax.Array, KerasTensor)) and not hasattr(leaf, "__array__"):
                    raise ArgumentError(
                        f"{self._where_()} takes only tensors as positional arguments.",
                        received=f"{leaf!r} of type {type(leaf).__name__}",
                        fix="make it an array (numpy.array), or pass it by keyword",
                    )
        return args, {key: converted(value, dtype) for key, value in kwargs.items()}

    def _bound_(self, args: tuple[Any, ...], kwargs: dict[str, Any], here: Frame) -> Call:
        try:
            return Call(signature_of(type(self).call), args, kwargs, here.training)
        except TypeError as error:
            raise TypeError(f"{self._where_()} was called with arguments it does not take: {error}") from None

    def _frame_of_call_(self, here: Frame, training: bool | None) -> frame:
        mixed = self.autocast and self.compute_dtype != self.variable_dtype and is_float(self.compute_dtype)
        return frame(
            training=training,
            path=(*here.path, self.name),
            frozen=not self._trainable or (here.frozen and not self._set_to_train_),
            autocast=self.compute_dtype if mixed else None,
            losses=[] if here.losses is None else here.losses,
        )

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """The computation.  Define it in every layer."""
        raise NotImplementedError(f"{type(self).__name__} does not define call().")

    @property
    def composite(self) -> bool:
        return bool(self._sublayers_())

    @property
    def anatomy(self) -> Anatomy:
        """What it is made of, by address: `layer.anatomy["base/conv1"]`; see `lamella.anatomy.Anatomy`."""
        from lamella.anatomy import Anatomy

        return Anatomy(self)

    # Building

    def build(self, input_shape: Any) -> None:
        """Makes the weights.  Without an own `build`, the layer is run abstractly on the shape.

        An own `build` may call this one at any point; what its `call` needs is made by then or later.
        """
        if type(self).build is Layer.build:
            self._build_by_call_(input_shape)

    def _build_at_init(self) -> None:
        """Says that nothing is left to build, where the class has no `build` of its own."""
        if type(self).build is Layer.build:
            self.built = True

    def _build_for_(self, call: Call, symbolic: bool) -> None:
        if self.built:
            return
        self.called_on = call.described()
        if type(self).build is not Layer.build:
            unless = () if symbolic else (jax.errors.ConcretizationTypeError,)
            self._call_to_build_for_ = call
            with suppress(*unless):  # a call() that branches on data: what is inside is built as it runs
                self.build(**self._shapes_to_build_with_(call))
            self._check_(call.first)
            if symbolic and self._says_own_shapes_() and not all(layer.built for layer in self._sublayers_()):
                with suppress(Exception):  # a call() that cannot run on shapes: what is inside is built as it runs
                    self._run_on_shapes_(call)
        elif symbolic and self._says_own_shapes_():
            self._run_on_shapes_(call)

    def _says_own_shapes_(self) -> bool:
        """Whether it is a user's layer that says its shapes without running `call`, which may build what is inside."""
        cls = type(self)
        if cls.__module__.startswith("lamella."):
            return False
        own = (cls.compute_output_shape, cls.compute_output_spec)
        return own != (Layer.compute_output_shape, Layer.compute_output_spec)

    def _run_on_shapes_(self, call: Call) -> None:
        training = signature_of(type(self).call).required_training((), call.training)
        output_spec(self.call, **call.tensors, **call.masks, **training)

    def _shapes_to_build_with_(self, call: Call) -> dict[str, Any]:
        shapes, trial = call.shapes_for(self.build, type(self).__name__), current().trial
        return shapes if trial is None else map_shapes(trial.with_unknown, shapes)

    def _build_by_call_(self, input_shape: Any) -> None:
        if self.built or input_shape is None or type(self).call is Layer.call:
            return
        signature, args, kwargs = signature_of(type(self).call), (), {}
        if self._call_to_build_for_ is not None:  # it says the dtypes too
            args, kwargs = self._call_to_build_for_.on_shapes()
        elif not signature.needs_more:
            dtype = self.input_dtype if is_float(self.input_dtype) else "float32"
            args = (map_shapes(lambda shape: KerasTensor(shape, dtype), input_shape),)
        else:
            return  # a cell, say, which needs states too: what is inside is built when it is called
        kwargs = {**kwargs, **signature.required_training(args, current().training)}
        output_spec(self.call, *args, **kwargs)

    # Shapes

    def compute_output_shape(self, *args: Any, **kwargs: Any) -> Any:
        """The output's shape for an input's; worked out by running `call` abstractly."""
        shapes = [*args, *kwargs.values()]
        spec = self.compute_output_spec(*(map_shapes(lambda s: KerasTensor(s, self.compute_dtype), s) for s in shapes))
        return jax.tree.map(lambda tensor: tensor.shape, spec)

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        signature = signature_of(type(self).call)
        if type(self).compute_output_shape is Layer.compute_output_shape:
            if "training" not in signature.names:  # any call may say it
                kwargs = {key: value for key, value in kwargs.items() if key != "training"}
            elif "training" not in kwargs:
                kwargs.update(signature.required_training(args, current().training))
            return output_spec(self.call, *args, **kwargs)
        call = Call(signature, args, {k: v for k, v in kwargs.items() if k in signature.names}, None)
        shapes = self.compute_output_shape(**call.shapes_for(self.compute_output_shape, type(self).__name__))
        return map_shapes(lambda shape: KerasTensor(shape, self.compute_dtype), shapes)

    # Masks

    def compute_mask(self, inputs: Any, previous_mask: Any) -> Any:
        """The mask of the outputs, given that of the inputs; by default the same."""
        return previous_mask

    def _pass_mask_(self, call: Call, outputs: Any) -> None:
        previous = call.previous_mask()
        if self.supports_masking:
            set_masks(outputs, self.compute_mask(call.first, previous))
        elif previous is not None:
            warnings.warn(
                f"{self._where_()} was given a masked input and does not support masking: what follows does not "
                "see the mask. Set self.supports_masking = True if it may pass through.",
                stacklevel=4,
            )

    # Losses

    def add_loss(self, loss: Any) -> None:
        """Adds scalar losses, from inside of `call`; training adds them to its loss."""
        for value in jax.tree.leaves(loss, is_leaf=lambda leaf: leaf is None):
            if not hasattr(value, "shape"):
                raise ArgumentError("add_loss() takes tensors.", received=repr(value))
            losses = current().losses
            if losses is None:
                self._hold_loss_(self, value)
            else:
                losses.append((self, value))

    @property
    def losses(self) -> list[Any]:
        """Losses of the last call (`add_loss`, activity), and the weights' regularization."""
        here, inside = current().losses, (self, *self._inner_layers_())
        entries = [entry for layer in inside for entry in layer._losses] if here is None else here
        found = [value for layer, value in entries if any(layer is one for one in inside)]
        return found + [v.regularizer(v.value) for v in self.trainable_weights if v.regularizer is not None]

    def _penalize_(self, outputs: Any) -> None:
        for output in jax.tree.leaves(outputs):
            self.add_loss(self.activity_regularizer(output) / (max(output.shape[0], 1) if output.ndim else 1))

    def _keep_losses_(self, inside: Frame) -> None:
        """After an outermost call: its losses replace those that the layers inside held."""
        holders = [layer for layer in (reference() for reference in list(_holders.values())) if layer is not None]
        if holders:
            within = {id(layer) for layer in (self, *self._inner_layers_())}
            for layer in holders:
                if id(layer) in within:
                    layer._losses = []
                    _holders.pop(id(layer), None)
        for layer, value in inside.losses or ():
            layer._hold_loss_(layer, value)

    def _hold_loss_(self, layer: Layer, value: Any) -> None:
        self._losses.append((layer, value))
        key = id(self)
        _holders[key] = weakref.ref(self, lambda _: _holders.pop(key, None))

    def _inner_layers_(self) -> list[Layer]:
        """Every layer inside, at any depth, each once."""
        found: dict[int, Layer] = {}
        stack: list[Any] = [self]
        while stack:
            for layer in reversed(stack.pop()._sublayers_()):
                if id(layer) not in found:
                    found[id(layer)] = layer
                    stack.append(layer)
        return list(found.values())

    # Errors

    def _where_(self) -> str:
        """How errors name this layer: its class and its full address in the model being called."""
        path = current().path
        path = path if path and path[-1] == self.name else (*path, self.name)
        return f"{type(self).__name__} at {'/'.join(path[1:] or path)!r}"

    def _check_(self, inputs: Any) -> None:
        if self.input_spec is not None:
            check_inputs(self.input_spec, inputs, self._where_())

    def _located_(self, error: Exception, inputs: Any) -> Exception:
        """The error with the place it happened at: the innermost layer says it."""
        if getattr(error, "_located_", False) or isinstance(error, NotImplementedError):
            return error
        place, received = self._where_(), _described(inputs)
        error._located_ = True  # type: ignore[attr-defined]
        if type(error) in (TypeError, ValueError) and "shape" in str(error):
            said = open_sizes(str(error)) if any_symbolic([inputs]) else error
            located = ShapeError(f"{place} cannot be computed: {said}", received=received)
            located._located_ = True  # type: ignore[attr-defined]
            return located
        if isinstance(error, LamellaError):
            if place not in error.what:
                error.what = f"{place}: {error.what}"
            error.received = error.received or received
        else:
            error.add_note(f"This happened in {place}, called with {received}.")
        return error

    # Dtypes

    @property
    def dtype_policy(self) -> Any:
        """Which dtypes it computes and keeps its weights in."""
        return self._dtype_policy

    @dtype_policy.setter
    def dtype_policy(self, value: Any) -> None:
        self._dtype_policy = dtype_policies.get(value)

    @property
    def compute_dtype(self) -> str:
        return self._dtype_policy.compute_dtype

    @property
    def variable_dtype(self) -> str:  # type: ignore[override]
        return self._dtype_policy.variable_dtype

    dtype = variable_dtype

    @property
    def input_dtype(self) -> str:
        return self.compute_dtype

    @property
    def quantization_mode(self) -> str | None:
        """How its dtype policy quantizes; None if it does not."""
        return self._dtype_policy.quantization_mode

    # Configs

    def get_config(self) -> dict[str, Any]:
        """What `from_config` makes an equal layer from (weights are not in it)."""
        config = {"trainable": self.trainable, "dtype": dtype_policies.serialize(self.dtype_policy)}
        if self.activity_regularizer is not None:
            config["activity_regularizer"] = regularizers.serialize(self.activity_regularizer)
        if type(self).get_config is not Layer.get_config:
            return {"name": self.name, **config}
        return {**super().get_config(), **config}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """Makes an equal layer from what `get_config` returned."""
        try:
            return cls(**config)
        except TypeError as error:
            raise ConfigError(
                f"{cls.__name__} cannot be made from its config: {error}",
                received=sorted(config),
                fix=f"let {cls.__name__}.__init__() take **kwargs and pass them to super().__init__()",
            ) from error

    def get_build_config(self) -> dict[str, Any] | None:
        """The shapes that `build` was called with, and the weights that are frozen one by one."""
        shapes = self._build_shapes_
        if shapes is None:
            return None
        config = {"input_shape": next(iter(shapes.values()))} if len(shapes) == 1 else {"shapes_dict": shapes}
        frozen = [v.name for v in self._own_variables_() if v.made_trainable and not v.trainable]
        return {**config, "frozen": frozen} if frozen and self._trainable else config  # Keras does not mind

    def build_from_config(self, config: dict[str, Any]) -> None:
        """Builds the layer from what `get_build_config` returned."""
        if not config or self.built:
            return
        if "input_shape" in config:
            self.build(map_shapes(tuple, config["input_shape"]))
        elif "shapes_dict" in config:
            self.build(**{key: map_shapes(tuple, shape) for key, shape in config["shapes_dict"].items()})
        for variable in self._own_variables_():
            if variable.name in config.get("frozen", ()):
                variable.trainable = False

    def save_own_variables(self, store: Any) -> None:
        """Writes the layer's own variables into a dict-like store, by number."""
        for index, variable in enumerate(self._own_variables_()):
            store[str(index)] = variable.numpy()

    def load_own_variables(self, store: Any) -> None:
        """Reads the layer's own variables from a dict-like store."""
        own = self._own_variables_()
        if len(store) != len(own):
            raise ShapeError(
                f"{type(self).__name__} {self.name!r} has {len(own)} variables of its own.",
                received=f"{len(store)} in the file",
                fix="build the layer first" if not self.built else None,
            )
        for index, variable in enumerate(own):
            variable.assign(store[str(index)])

    @property
    def path(self) -> str | None:
        """Keras's path of the layer: the names it was built under, or None before."""
        own = self._own_variables_()
        return own[0].path.rpartition("/")[0] if own else self.name if self.built else None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}, built={self.built}>"


Layer.build = building(Layer.build)  # type: ignore[method-assign]
_holders: dict[int, weakref.ref[Layer]] = {}  # the layers that hold losses of a call


def _on_device(output: Any) -> Any:
    """Numbers as an array of JAX's, as other layers return them; strings stay NumPy's."""
    return jax.numpy.asarray(output) if isinstance(output, np.ndarray) and output.dtype.kind in "biuf" else output


def _described(inputs: Any) -> str:
    text = describe(inputs)
    return text if len(text) <= 300 else text[:300] + " …"
