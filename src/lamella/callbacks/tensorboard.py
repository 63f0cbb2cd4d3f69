"""TensorBoard: the logs of training as event files."""

from __future__ import annotations

import os
import time
import warnings
from typing import Any

import jax
import numpy as np

from lamella.callbacks.callback import Callback, Logs
from lamella.callbacks.every import idle_if
from lamella.config import image_data_format
from lamella.errors import ArgumentError, MissingExtraError

_STRING = 7  # DT_STRING, of TensorFlow's types
_MOST_IMAGES = 3  # of one weight
_batches_rest = idle_if(lambda board: not board._hears_batches)


class TensorBoard(Callback):
    """Writes event files that TensorBoard shows: `tensorboard --logdir=logs`.

    Scalars are named as in Keras, epoch_…, batch_… and evaluation_…_vs_iterations, in the folders train and validation.

    Args:    log_dir: the folder; each run is best given one of its own.
             histogram_freq: every so many epochs the weights' histograms; 0 for none.
             write_graph: the model's layers, which the tab Graphs shows.
             write_images: with the histograms, the weights as images.
             write_steps_per_second: how fast batches and epochs went.
             update_freq: "epoch", "batch", or a number of batches: how often losses are written.
             profile_batch: a batch, or a pair (first, last): traced with JAX's profiler; counted from 1.
             embeddings_freq, embeddings_metadata: taken at their defaults only.
    Raises:  MissingExtraError: tensorboardX is not installed.  ArgumentError: frequencies that are none.
    """

    def __init__(
        self,
        log_dir: str | os.PathLike[str] = "logs",
        histogram_freq: int = 0,
        write_graph: bool = True,
        write_images: bool = False,
        write_steps_per_second: bool = False,
        update_freq: int | str = "epoch",
        profile_batch: Any = 0,
        embeddings_freq: int = 0,
        embeddings_metadata: Any = None,
    ):
        super().__init__()
        if embeddings_freq or embeddings_metadata:
            raise ArgumentError(
                "TensorBoard() does not write embeddings.",
                expected="embeddings_freq=0, embeddings_metadata=None",
                fix="write them with tensorboardX's SummaryWriter.add_embedding()",
            )
        self.log_dir, self.histogram_freq = os.fspath(log_dir), histogram_freq
        self.write_graph, self.write_images = write_graph, write_images
        self.write_steps_per_second = write_steps_per_second
        self.update_freq = 1 if update_freq == "batch" else update_freq
        _check_frequency("histogram_freq", histogram_freq, 0)
        if self.update_freq != "epoch":
            _check_frequency("update_freq", self.update_freq, 1)
        self._start_batch, self._stop_batch = _profiled(profile_batch)
        _tensorboard_x()
        self._writers: dict[str, Any] = {}
        self._step, self._last, self._training, self._tracing = 0, -1, False, False

    @property
    def _hears_batches(self) -> bool:
        return self.update_freq != "epoch" or self._stop_batch > 0

    def _writer(self, part: str) -> Any:
        """The writer of "train" or "validation", made when there is something to write."""
        if part not in self._writers:
            self._writers[part] = _tensorboard_x().SummaryWriter(os.path.join(self.log_dir, part))
        return self._writers[part]

    def _scalars(self, part: str, values: dict[str, Any], step: int) -> None:
        for name, value in values.items():
            self._writer(part).add_scalar(name, float(value), step)

    # Moments

    def set_model(self, model: Any) -> None:
        super().set_model(model)
        self._close()
        if self.write_graph:
            self._write_graph()

    def on_train_begin(self, logs: Logs = None) -> None:
        self._training, self._step, self._last = True, 0, -1

    def on_train_end(self, logs: Logs = None) -> None:
        self._training = False
        self._stop_trace()
        self._close()

    def on_test_end(self, logs: Logs = None) -> None:
        if getattr(self.model, "optimizer", None) is not None:
            values = {f"evaluation_{name}_vs_iterations": value for name, value in (logs or {}).items()}
            self._scalars("validation", values, int(self.model.optimizer.iterations))
        if not self._training:
            self._close()

    @_batches_rest
    def on_train_batch_begin(self, batch: int, logs: Logs = None) -> None:
        self._batch_began = time.perf_counter()
        first = self._step + 1
        if not self._tracing and self._start_batch and self._start_batch <= first <= self._stop_batch:
            jax.profiler.start_trace(os.path.join(self.log_dir, "train"))
            self._tracing = True

    @_batches_rest
    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        before, since = self._step, time.perf_counter() - self._batch_began
        self._step += batch + 1 if batch <= self._last else batch - self._last
        self._last = batch
        if self._tracing and self._step >= self._stop_batch:
            self._stop_trace()
        if isinstance(self.update_freq, int) and self._step // self.update_freq > before // self.update_freq:
            speed = {"steps_per_second": (self._step - before) / since} if self.write_steps_per_second else {}
            values = {f"batch_{name}": value for name, value in {**speed, **(logs or {})}.items()}
            self._scalars("train", values, self._step)

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        if self.write_steps_per_second:
            self._epoch_began, self._epoch_from = time.perf_counter(), int(self.model.optimizer.iterations)

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        logs = logs or {}
        train = {name: value for name, value in logs.items() if not name.startswith("val_")}
        validation = {name.removeprefix("val_"): value for name, value in logs.items() if name.startswith("val_")}
        train.update(self._learning_rates())
        if self.write_steps_per_second:
            steps = int(self.model.optimizer.iterations) - self._epoch_from
            train["steps_per_second"] = steps / (time.perf_counter() - self._epoch_began)
        for part, values in (("train", train), ("validation", validation)):
            self._scalars(part, {f"epoch_{name}": value for name, value in values.items()}, epoch)
        if self.histogram_freq and epoch % self.histogram_freq == 0:
            self._write_weights(epoch)
        for writer in self._writers.values():
            writer.flush()

    def _learning_rates(self) -> dict[str, float]:
        optimizer: Any = getattr(self.model, "optimizer", None)
        optimizer = getattr(optimizer, "inner_optimizer", optimizer)
        if hasattr(optimizer, "optimizers"):
            return {f"learning_rate_{each.name}": float(each.learning_rate) for each in optimizer.optimizers}
        return {} if optimizer is None else {"learning_rate": float(optimizer.learning_rate)}

    # What is written of the model

    def _write_graph(self) -> None:
        """The model's config, where it has one, as TensorBoard's graph of layers."""
        if type(self.model).__name__ not in ("Functional", "Sequential"):
            return
        try:
            text = self.model.to_json()
        except (ValueError, TypeError) as error:
            warnings.warn(f"TensorBoard gets no graph, since the model has no config: {error}", stacklevel=5)
            return
        from tensorboardX.proto.summary_pb2 import Summary, SummaryMetadata  # type: ignore[import-not-found]
        from tensorboardX.proto.tensor_pb2 import TensorProto  # type: ignore[import-not-found]

        plugin = SummaryMetadata.PluginData(plugin_name="graph_keras_model", content=b"1")
        tensor = TensorProto(dtype=_STRING, string_val=[text.encode()])  # type: ignore[arg-type]
        value = Summary.Value(tag="keras", metadata=SummaryMetadata(plugin_data=plugin), tensor=tensor)
        self._writer("train").file_writer.add_summary(Summary(value=[value]), 0)

    def _write_weights(self, epoch: int) -> None:
        for layer in self.model.layers:
            for weight in layer.weights:
                values, name = np.asarray(weight.numpy(), "float32"), weight.path.replace(":", "_")
                self._writer("train").add_histogram(f"{name}/histogram", values, epoch)
                for number, image in enumerate(_images(values) if self.write_images else ()):
                    self._writer("train").add_image(f"{name}/image/{number}", image, epoch, dataformats="HW")

    def _stop_trace(self) -> None:
        if self._tracing:
            jax.profiler.stop_trace()
            self._tracing = False

    def _close(self) -> None:
        for writer in self._writers.values():
            writer.close()
        self._writers = {}


def _tensorboard_x() -> Any:
    try:
        import tensorboardX  # type: ignore[import-not-found]
    except ImportError as error:
        raise MissingExtraError(
            "TensorBoard's files need tensorboardX.", fix="pip install lamella[tensorboard]"
        ) from error
    return tensorboardX


def _check_frequency(name: str, value: Any, least: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise ArgumentError(
            f"TensorBoard() cannot take {name}={value!r}.", expected=f"a whole number of at least {least}"
        )


def _profiled(batches: Any) -> tuple[int, int]:
    """The first and the last batch to trace; (0, 0) for none."""
    pair = batches.split(",") if isinstance(batches, str) else batches
    pair = pair if isinstance(pair, (list, tuple)) else (pair, pair)
    try:
        first, last = map(int, pair)
    except (TypeError, ValueError):
        first, last = -1, -1
    if first < 0 or last < first:
        raise ArgumentError(
            "TensorBoard() cannot profile these batches.", expected="a batch, or a pair (first, last)", received=batches
        )
    return first, last


def _images(weight: np.ndarray) -> list[np.ndarray]:
    """A weight's values from 0 to 1 as a few images of rank 2; none for weights of other ranks than 1 to 3."""
    values = weight.squeeze()
    if values.ndim == 1:
        return [values[:, None]]
    if values.ndim == 2:
        return [values.T if values.shape[0] > values.shape[1] else values]
    if values.ndim == 3:
        return list(values.transpose(2, 0, 1) if image_data_format() == "channels_last" else values)[:_MOST_IMAGES]
    return []
