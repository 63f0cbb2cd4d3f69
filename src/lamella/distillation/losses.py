"""How far a student's outputs or features are from its teacher's."""

from __future__ import annotations

from typing import Any

from lamella import losses, ops, tree
from lamella.errors import ArgumentError, GraphError, LamellaError
from lamella.losses import KLDivergence
from lamella.registry import deserialize_keras_object, serialize_keras_object


class DistillationLoss:
    """Subclass it, and compute a scalar in `compute_loss`."""

    teacher_layer_name: str | None = None
    student_layer_name: str | None = None

    def compute_loss(self, teacher_outputs: Any, student_outputs: Any, **kwargs: Any) -> Any:
        """A scalar: how far the student is from the teacher."""
        raise NotImplementedError(f"{type(self).__name__} does not define compute_loss().")

    def validate_outputs(self, teacher_outputs: Any, student_outputs: Any) -> None:
        """Raises ValueError where the outputs have not the same structure."""
        tree.assert_same_structure(teacher_outputs, student_outputs)

    def validate_model_compatibility(self, teacher: Any, student: Any) -> None:
        """Raises ValueError where the loss cannot compare these models."""


class _PairedLosses(DistillationLoss):
    """One loss for each output."""

    def __init__(self, loss: Any):
        self.loss = tree.map_structure(lambda one: losses.get(one) if isinstance(one, str) else one, loss)
        if all(one is None for one in tree.flatten(self.loss)):
            raise ArgumentError(f"{type(self).__name__} needs at least one loss that is not None.")

    def validate_outputs(self, teacher_outputs: Any, student_outputs: Any) -> None:
        super().validate_outputs(teacher_outputs, student_outputs)
        try:
            tree.assert_same_structure(self.loss, teacher_outputs)
        except (ValueError, TypeError) as error:
            raise ArgumentError(f"The losses have another structure than the outputs: {error}") from error

    def _total(self, distance: Any, teacher_outputs: Any, student_outputs: Any) -> Any:
        def of_output(loss: Any, teacher: Any, student: Any) -> Any:
            return 0.0 if loss is None else distance(loss, teacher, student)

        return ops.sum(
            ops.stack(tree.flatten(tree.map_structure(of_output, self.loss, teacher_outputs, student_outputs)))
        )

    def get_config(self) -> dict[str, Any]:
        return {"loss": serialize_keras_object(self.loss)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        return cls(**{**config, "loss": deserialize_keras_object(config["loss"])})


class FeatureDistillation(_PairedLosses):
    """The distance between what a layer of the teacher and one of the student return.

    Args:    loss: a loss, its name, or a structure of them like the outputs'; None leaves an output out.
             teacher_layer_name, student_layer_name: the layers; the models' outputs if None.
    Raises:  ArgumentError: every loss is None.
    """

    def __init__(self, loss: Any = "mse", teacher_layer_name: str | None = None, student_layer_name: str | None = None):
        super().__init__(loss)
        self.teacher_layer_name, self.student_layer_name = teacher_layer_name, student_layer_name

    def validate_model_compatibility(self, teacher: Any, student: Any) -> None:
        """Raises GraphError: a layer is asked for that a model does not have, or a model without a graph."""
        wanted = (("teacher", teacher, self.teacher_layer_name), ("student", student, self.student_layer_name))
        if any(name is not None for _, _, name in wanted):
            for role, model, _ in wanted:
                if getattr(model, "inputs", None) is None:
                    raise GraphError(
                        f"The {role} is a subclassed model, and layers can be named in Functional or Sequential models "
                        "only.",
                        fix="leave out the names of layers, to compare the outputs",
                    )
        for role, model, name in wanted:
            if name is not None:
                try:
                    model.get_layer(name=name)
                except LamellaError as error:
                    raise GraphError(f"In {role} model: {error.what}", fix=error.fix) from error

    def compute_loss(self, teacher_outputs: Any, student_outputs: Any, **kwargs: Any) -> Any:
        """The sum of the mean losses of all outputs."""
        return self._total(
            lambda loss, teacher, student: ops.mean(loss(teacher, student)), teacher_outputs, student_outputs
        )

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "teacher_layer_name": self.teacher_layer_name,
            "student_layer_name": self.student_layer_name,
        }


class LogitsDistillation(_PairedLosses):
    """The distance between the logits of teacher and student, softened by a temperature.

    Args:    temperature: what logits are divided by, positive; higher is softer.
             loss: a loss, its name, or a structure of them like the outputs'; None leaves an output out. The
                 Kullback-Leibler divergence compares softmax(logits / T), and is multiplied by T².
    Raises:  ArgumentError: every loss is None, or the temperature is no positive number.
    Source:  Hinton, Vinyals and Dean, Distilling the Knowledge in a Neural Network, 2015.
    """

    def __init__(self, temperature: float = 3.0, loss: Any = "kl_divergence"):
        super().__init__(loss)
        if not isinstance(temperature, (int, float)) or temperature <= 0:
            raise ArgumentError("The temperature must be a positive number.", received=repr(temperature))
        self.temperature = temperature

    def compute_loss(self, teacher_outputs: Any, student_outputs: Any, **kwargs: Any) -> Any:
        """The sum of the mean losses of all outputs."""

        def distance(loss: Any, teacher: Any, student: Any) -> Any:
            teacher, student = teacher / self.temperature, student / self.temperature
            if not isinstance(loss, KLDivergence) and loss is not losses.kl_divergence:
                return ops.mean(loss(teacher, student))
            return ops.mean(loss(ops.softmax(teacher), ops.softmax(student))) * self.temperature**2

        return self._total(distance, *(_tensors(outputs) for outputs in (teacher_outputs, student_outputs)))

    def get_config(self) -> dict[str, Any]:
        return {"temperature": self.temperature, **super().get_config()}


def _tensors(outputs: Any) -> Any:
    return tree.map_structure(ops.convert_to_tensor, outputs)
