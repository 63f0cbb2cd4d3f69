"""Distiller: trains a student on targets and on what a teacher says."""

from __future__ import annotations

from typing import Any

from lamella import losses, ops, tree
from lamella.distillation.losses import DistillationLoss
from lamella.errors import ArgumentError, ShapeError
from lamella.metrics import Mean
from lamella.models import Model
from lamella.registry import deserialize_keras_object, serialize_keras_object

_FINAL = "final_output"


class Distiller(Model):
    """A model that trains a student; called, it is the student.

        loss = w · student_loss + (1 - w) · Σ weightᵢ · distillation_lossᵢ(teacher, student)

    Args:    teacher: a trained model, which is frozen.
             student: the model to train, with inputs and outputs of the same shapes.
             distillation_losses: one, or several of `DistillationLoss`.
             distillation_loss_weights: one number for each of several; 1 by default.
             student_loss_weight: w, in [0, 1].
    Raises:  ArgumentError: no model, no loss, or a weight outside of its range.
             ShapeError: inputs or outputs do not fit each other.
    """

    def __init__(
        self,
        teacher: Model,
        student: Model,
        distillation_losses: DistillationLoss | list[DistillationLoss],
        distillation_loss_weights: list[float] | None = None,
        student_loss_weight: float = 0.5,
        name: str | None = "distiller",
        **kwargs: Any,
    ):
        super().__init__(name=name, **kwargs)
        _check_models(teacher, student)
        if not isinstance(student_loss_weight, (int, float)) or not 0 <= student_loss_weight <= 1:
            raise ArgumentError(
                "student_loss_weight must be a number between 0.0 and 1.0.", received=repr(student_loss_weight)
            )
        self.teacher, self.student, self.student_loss_weight = teacher, student, student_loss_weight
        self.distillation_losses, self.distillation_loss_weights = _weighted(
            distillation_losses, distillation_loss_weights
        )
        for loss in self.distillation_losses:
            loss.validate_model_compatibility(teacher, student)
        self._teacher_features = _features(teacher, [loss.teacher_layer_name for loss in self.distillation_losses])
        self._student_features = _features(student, [loss.student_layer_name for loss in self.distillation_losses])
        self.teacher.trainable = False
        self.student_loss_tracker = Mean(name="student_loss")
        self.distillation_loss_tracker = Mean(name="distillation_loss")
        self.total_loss_tracker = Mean(name="total_loss")

    def call(self, inputs: Any, training: bool | None = None, **kwargs: Any) -> Any:
        return self.student(inputs, training=training, **kwargs)

    def compile(self, optimizer: Any = "adam", loss: Any = None, metrics: Any = None, **kwargs: Any) -> None:
        """As `Model.compile`, with the loss of the student against the targets.

        Raises: ArgumentError: no loss, or metrics that are no list.
        """
        if loss is None:
            raise ArgumentError("'loss' cannot be `None`: the student is trained on targets too.")
        if metrics is not None and not isinstance(metrics, (list, tuple)):
            raise ArgumentError("metrics must be a list or tuple.", received=type(metrics).__name__)
        self._student_loss = tree.map_structure(losses.get, loss)
        super().compile(optimizer=optimizer, loss=None, metrics=metrics, **kwargs)

    def get_compile_config(self) -> dict[str, Any] | None:
        config = super().get_compile_config()
        return config and {**config, "loss": serialize_keras_object(self._student_loss)}

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
    ) -> Any:
        """The weighted sum of the student's loss and the distillation losses; all three are reported."""
        y_pred = self(x, training=training) if y_pred is None else y_pred
        weight = self.student_loss_weight
        student_loss = self._loss_on_targets(y, y_pred) if weight > 0 and y is not None else 0.0
        distillation_loss = self._loss_to_teacher(x, y_pred) if weight < 1 else 0.0
        total = weight * student_loss + (1.0 - weight) * distillation_loss
        self.student_loss_tracker.update_state(student_loss)
        self.distillation_loss_tracker.update_state(distillation_loss)
        self.total_loss_tracker.update_state(total)
        return total

    def _loss_on_targets(self, y: Any, y_pred: Any) -> Any:
        values = tree.flatten(tree.map_structure(lambda loss, *pair: loss(*pair), self._student_loss, y, y_pred))
        return ops.mean(values[0] if len(values) == 1 else ops.sum(ops.stack(values)))

    def _loss_to_teacher(self, x: Any, y_pred: Any) -> Any:
        teacher = _all_features(self._teacher_features, self.teacher, x, training=False)
        student = {_FINAL: y_pred}
        if self._student_features is not None:
            student = {**self._student_features(x, training=True), **student}
        total: Any = 0.0
        for loss, weight in zip(self.distillation_losses, self.distillation_loss_weights, strict=True):
            pair = teacher[loss.teacher_layer_name or _FINAL], student[loss.student_layer_name or _FINAL]
            loss.validate_outputs(*pair)
            value = loss.compute_loss(*pair)
            if getattr(value, "shape", ()) != ():
                raise ShapeError(
                    f"{type(loss).__name__}.compute_loss() must return a scalar.",
                    received=f"a non-scalar of shape {value.shape}",
                )
            total = total + weight * value
        return total

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "teacher": serialize_keras_object(self.teacher),
            "student": serialize_keras_object(self.student),
            "distillation_losses": [serialize_keras_object(loss) for loss in self.distillation_losses],
            "distillation_loss_weights": self.distillation_loss_weights,
            "student_loss_weight": self.student_loss_weight,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        read = {key: deserialize_keras_object(config[key]) for key in ("teacher", "student", "distillation_losses")}
        return cls(**{**config, **read})


def _weighted(given: Any, weights: Any) -> tuple[list[DistillationLoss], list[float]]:
    if given is None:
        raise ArgumentError(
            "'distillation_losses' cannot be `None`.", fix="pass LogitsDistillation() or FeatureDistillation()"
        )
    if not isinstance(given, (list, tuple)):
        return [given], [1.0]
    weights = [1.0] * len(given) if weights is None else weights
    if len(weights) != len(given):
        raise ArgumentError(
            "Number of distillation_loss_weights must match number of distillation_losses.",
            expected=len(given),
            received=len(weights),
        )
    return list(given), list(weights)


def _features(model: Model, names: list[str | None]) -> Model | None:
    """A model that returns what the named layers and the last one return, or None if no layer is named."""
    wanted = dict.fromkeys(name for name in names if name is not None)
    if not wanted:
        return None
    outputs = {_FINAL: model.output, **{name: model.get_layer(name=name).output for name in wanted}}
    return Model(model.inputs, outputs, name=f"{model.name}_multi_feature_extractor")


def _all_features(features: Model | None, model: Model, x: Any, training: bool) -> dict[str, Any]:
    return {_FINAL: model(x, training=training)} if features is None else features(x, training=training)


def _check_models(teacher: Any, student: Any) -> None:
    for role, model in (("Teacher", teacher), ("Student", student)):
        if not isinstance(model, Model):
            raise ArgumentError(f"{role} must be a keras.Model.", received=type(model).__name__)
    for kind in ("input", "output"):
        tensors = getattr(teacher, f"{kind}s", None), getattr(student, f"{kind}s", None)
        if tensors[0] is not None and tensors[1] is not None:
            tree.map_structure(lambda one, other, kind=kind: _check_pair(one, other, kind), *tensors)


def _check_pair(teacher: Any, student: Any, kind: str) -> None:
    sizes = zip(teacher.shape, student.shape, strict=False)
    if len(teacher.shape) != len(student.shape) or any(None not in pair and pair[0] != pair[1] for pair in sizes):
        raise ShapeError(
            f"Teacher and student {kind} shapes are incompatible.",
            received=f"Teacher: {teacher.shape}, Student: {student.shape}",
        )
    if teacher.dtype != student.dtype:
        raise ArgumentError(
            f"Teacher and student {kind} dtypes must match.",
            received=f"Teacher: {teacher.dtype}, Student: {student.dtype}",
        )
