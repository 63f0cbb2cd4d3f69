"""Model: a layer that has layers, can be trained, and knows its graph where there is one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn, Self, Unpack, overload

from lamella.errors import ArgumentError, ConfigError
from lamella.layers import Layer
from lamella.models.graph_config import graph_config, model_from_graph_config
from lamella.models.graph_model import GraphModel, find_layer
from lamella.models.layer_list import LayerList
from lamella.train import Trainer

if TYPE_CHECKING:
    from lamella.layers.keywords import LayerKeywords


class Model(Trainer, GraphModel):
    """Layers put together, with training and inference.

    Three ways to make one: from symbolic tensors, `Model(inputs, outputs)`; as a
    subclass that makes layers in `__init__` and computes in `call`; or as a
    `Sequential` list.

    Args:    inputs, outputs: symbolic tensors, alone or in lists and dicts.
             name: automatic if None.
             trainable: as for any layer.
    Raises:  GraphError: the outputs do not follow from the inputs.
    Example: >>> x = Input((4,))
             >>> model = Model(x, Dense(2)(x))
             >>> model(np.ones((3, 4))).shape
             (3, 2)
    """

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        if cls is Model and _has_graph_arguments(args, kwargs):
            from lamella.models.functional import Functional

            cls = Functional  # type: ignore[assignment]
        return super().__new__(cls, *args, **kwargs)  # type: ignore[arg-type]

    @overload
    def __init__(self, inputs: Any, outputs: Any, name: str | None = None, trainable: bool | None = None): ...

    @overload
    def __init__(self, **kwargs: Unpack[LayerKeywords]): ...

    if TYPE_CHECKING:  # subclasses give it the arguments they like

        def call(self, *args: Any, **kwargs: Any) -> Any: ...

    def __init__(self, *args: Any, **kwargs: Any):
        if not _has_graph_arguments(args, kwargs):
            if args:
                raise ArgumentError(
                    f"{type(self).__name__}() takes keyword arguments, or inputs and outputs.", received=args
                )
            if not {"inputs", "outputs"}.isdisjoint(kwargs):
                raise ArgumentError(f"{type(self).__name__}() takes inputs and outputs together.", received=[*kwargs])
            if kwargs or "_added_" not in vars(self):  # else another base's constructor made the layer
                Layer.__init__(self, **kwargs)
            return
        inputs, outputs, name, trainable = _graph_arguments(*args, **kwargs)
        Layer.__init__(self, name=name)
        self._set_graph_(inputs, outputs)
        self._count_as_functional_()
        if trainable is not None and not trainable:
            self.trainable = False

    def __init_subclass__(cls, **kwargs: Any):
        """Where another base is a layer, its methods count, not those for models made of layers."""
        super().__init_subclass__(**kwargs)
        for name in ("call", "build", "compute_mask"):
            own, other = getattr(Model, name), _method_of_other_base(cls, name)
            if getattr(cls, name) is own and other is not None:
                setattr(cls, name, other)

    @classmethod
    def _count_as_functional_(cls) -> None:
        """A class whose instances are made from tensors is one of Functional's, as in Keras."""
        from lamella.models.functional import Functional

        if not issubclass(cls, Functional):
            Functional.register(cls)

    @property
    def layers(self) -> list[Layer]:
        """The layers directly inside, in order; a list to read, which refuses to be changed."""
        return LayerList(self._direct_layers_(), f"{type(self).__name__} {self.name!r}", self._how_to_change_layers_())

    @layers.setter
    def layers(self, value: Any) -> NoReturn:
        raise AttributeError(
            f"`{type(self).__name__}.layers` attribute is reserved: it lists what is inside. "
            f"{self._how_to_change_layers_().capitalize()}, or use another name."
        )

    def _direct_layers_(self) -> list[Layer]:
        return list(dict.fromkeys(layer for layer in self._sublayers_() if isinstance(layer, Layer)))

    def _how_to_change_layers_(self) -> str:
        if self._graph_ is None:
            return "change the attributes that hold the layers"
        return "make another model: keras.Model(model.inputs, model.layers[-2].output) ends one layer earlier"

    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """A layer by name, by index, or by address.

        Raises:  UnknownNameError: there is none; the nearest names are listed.
        Example: >>> model = Sequential([Input((2,)), Dense(3, name="hidden")])
                 >>> model.get_layer("hidden") is model.layers[0]
                 True
        """
        return find_layer(self, name, index)

    def __repr__(self) -> str:
        known = f"<{type(self).__name__} name={self.name}, built={self.built}"
        if not self.built:
            return f"{known}>"
        count = len(self._direct_layers_())
        held = f"{count} layer{'s' if count != 1 else ''}, {self.count_params():,} parameters"
        return f"{known}; {held}: .summary() lists them, .anatomy.explain() tells it in words>"

    def build(self, input_shape: Any) -> None:
        """Makes the weights of every layer for inputs of this shape, batch first.

        An own `build` may call this one at any point: the layers inside are built after it.
        """
        if self._graph_ is None:
            self._build_by_call_on_ = input_shape

    def summary(
        self,
        line_length: int | None = None,
        positions: list[float] | None = None,
        print_fn: Any = None,
        expand_nested: bool = False,
        show_trainable: bool = False,
        layer_range: Any = None,
        columns: Any = (),
        blocks: bool = False,
        depth: int | None = None,
    ) -> None:
        """Prints what is inside: layers, output shapes, parameters, connections.

        Args: line_length: width in characters; that of the terminal if None.
              print_fn: gets the text line by line, in place of the screen.
              expand_nested: also shows the layers of models inside.
              show_trainable: adds a column for trainability.
              layer_range: [first, last] layer names, as regular expressions.
              columns: what to show in place of Keras's columns, of "address", "calls", "output", "params",
                  "trainable", "frozen", "macs", "memory", "field", "connected"; also as one text with commas.
              blocks: layers of a block stand under its heading, and equal neighbours fold.
              depth: how many levels of layers in layers are shown, composite layers too.
        """
        from lamella.anatomy import print_summary

        shown = (expand_nested, show_trainable, layer_range, columns, blocks, depth)
        print_summary(self, line_length, positions, print_fn, *shown)

    # Configs

    def get_config(self) -> dict[str, Any]:
        if self._graph_ is not None and _takes_graph(type(self)):
            return graph_config(self)
        return super().get_config()

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Any:
        if {"layers", "input_layers", "output_layers"} <= set(config) and _takes_graph(cls):
            return model_from_graph_config(cls, config, custom_objects)
        try:
            return cls(**config)
        except TypeError as error:
            raise ConfigError(
                f"{cls.__name__} cannot be made from its config: {error}",
                received=sorted(config),
                fix=f"let {cls.__name__}.__init__() take **kwargs and pass them to super().__init__(); what else "
                "it takes, get_config() must return",
            ) from error

    def to_json(self, **kwargs: Any) -> str:
        """The model's config as JSON text, for `model_from_json`."""
        import json

        from lamella.registry import serialize_keras_object

        return json.dumps(serialize_keras_object(self), **kwargs)

    # Files

    def save(self, filepath: Any, overwrite: bool = True, zipped: bool | None = None, **kwargs: Any) -> None:
        """Writes the whole model: architecture, weights, how it is trained."""
        from lamella.saving import save_model

        save_model(self, filepath, overwrite=overwrite, zipped=zipped, **kwargs)

    def export(
        self,
        filepath: Any,
        format: str = "tf_saved_model",
        verbose: bool | None = None,
        input_signature: Any = None,
        **kwargs: Any,
    ) -> None:
        """Writes the forward pass, to be run without the model's code; see `lamella.saving.export_model`."""
        from lamella.saving import export_model

        export_model(self, filepath, format, verbose, input_signature, **kwargs)

    def save_weights(self, filepath: Any, overwrite: bool = True, **kwargs: Any) -> None:
        """Writes the weights."""
        from lamella.saving import save_weights

        save_weights(self, filepath, overwrite=overwrite, **kwargs)

    def load_weights(self, filepath: Any, skip_mismatch: bool = False, **kwargs: Any) -> Any:
        """Reads weights that `save_weights` or Keras wrote."""
        from lamella.saving import load_weights

        return load_weights(self, filepath, skip_mismatch=skip_mismatch, **kwargs)

    def get_state_tree(self, value_format: str = "backend_tensor") -> dict[str, Any]:
        """All variables by kind and path: of the model, its optimizer and its metrics."""
        from lamella.saving import state_tree

        return state_tree(self, value_format)

    def set_state_tree(self, state_tree: dict[str, Any]) -> None:
        """Gives variables the values in what `get_state_tree` returned."""
        from lamella.saving import assign_state_tree

        assign_state_tree(self, state_tree)


def _method_of_other_base(cls: type, name: str) -> Any:
    """The method that a layer among the bases gives, as in `class Mine(Model, Dense)`."""
    above_layer = cls.__mro__[: cls.__mro__.index(Layer)]
    others = [base for base in above_layer if base not in Model.__mro__ and not issubclass(base, Model)]
    return next((vars(base)[name] for base in others if name in vars(base)), None)


def _has_graph_arguments(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    return len(args) >= 2 or (len(args) == 1 and "outputs" in kwargs) or {"inputs", "outputs"} <= set(kwargs)


def _graph_arguments(
    inputs: Any, outputs: Any, name: str | None = None, trainable: bool | None = None
) -> tuple[Any, Any, str | None, bool | None]:
    return inputs, outputs, name, trainable


def _takes_graph(cls: type) -> bool:
    """Whether a class is made as Model is: from inputs and outputs."""
    import inspect

    if cls.__init__ is Model.__init__:
        return True
    parameters = inspect.signature(cls.__init__).parameters
    return {"inputs", "outputs"} <= set(parameters)
