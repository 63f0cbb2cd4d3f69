"""Orbax checkpoints: a folder to which every device writes its own part of each array.

    {"model": {address: array}, "optimizer": {address: array}}

Source: https://orbax.readthedocs.io
"""

from __future__ import annotations

import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import jax

from lamella.errors import FileError, MissingExtraError
from lamella.saving.gate import existing, guarded
from lamella.state import Variable

ORBAX = ".orbax"
_ITEM = "state.orbax"  # of each numbered checkpoint


def orbax() -> Any:
    """The package.

    Raises: MissingExtraError: it is not installed.
    """
    try:
        import orbax.checkpoint as package
    except ImportError as error:
        raise MissingExtraError("Checkpoints need Orbax.", fix="pip install lamella[orbax]") from error
    return package


def save_checkpoint(path: Any, tree: Any) -> None:
    """Writes a checkpoint; one that was there is replaced once the new one is whole."""
    package, path = orbax(), Path(os.path.abspath(path))
    with guarded(path), tempfile.TemporaryDirectory(prefix=f".{path.name}.", dir=path.parent) as folder:
        with package.StandardCheckpointer() as checkpointer:
            checkpointer.save(Path(folder, "new"), tree)
        if path.exists():
            path.rename(Path(folder, "old"))
        Path(folder, "new").rename(path)
        shutil.rmtree(Path(folder, "old"), ignore_errors=True)


class Checkpoint(Mapping[str, Any]):
    """The arrays of one part of a checkpoint by address; they are read when the first one is asked for.

    Args:   variables: arrays come onto the devices of the variables of these addresses.
    Raises: FileError: the folder holds no checkpoint, or one of another program.
    """

    def __init__(self, path: Any, part: str, variables: Mapping[str, Variable]):
        self.path, self._part, self._variables = existing(os.path.abspath(path)), part, variables
        self._package = orbax()
        with guarded(self.path):
            self._saved = self._metadata()
            found = self._saved[part]
            self.shapes = {address: tuple(about.shape) for address, about in found.items()}
            self.dtypes = {address: jax.numpy.dtype(about.dtype) for address, about in found.items()}

    def _metadata(self) -> dict[str, Any]:
        with self._package.StandardCheckpointer() as checkpointer:
            saved = getattr(checkpointer.metadata(self.path).item_metadata, "tree", None)
        if not isinstance(saved, dict) or not saved.keys() == {"model", "optimizer"}:
            raise FileError("this is no checkpoint of a model's state.", fix="give the folder that save_weights wrote")
        return saved

    @cached_property
    def _arrays(self) -> dict[str, Any]:
        here = jax.sharding.SingleDeviceSharding(jax.local_devices()[0])
        wanted = {
            part: {
                address: self._place(about, address if part == self._part else None, here)
                for address, about in held.items()
            }
            for part, held in self._saved.items()
        }
        with guarded(self.path), self._package.StandardCheckpointer() as checkpointer:
            return checkpointer.restore(self.path, wanted)[self._part]

    def _place(self, about: Any, address: str | None, default: Any) -> jax.ShapeDtypeStruct:
        variable = self._variables.get(address or "")
        fits = variable is not None and variable.shape == tuple(about.shape)
        sharding = variable.raw.sharding if variable is not None and fits else default
        return jax.ShapeDtypeStruct(about.shape, about.dtype, sharding=sharding)

    def __getitem__(self, address: str) -> Any:
        return self._arrays[address]

    def __iter__(self) -> Iterator[str]:
        return iter(self.shapes)

    def __len__(self) -> int:
        return len(self.shapes)


class Checkpoints:
    """Numbered checkpoints in a folder, the last ones kept.

    Args: most: how many are kept; all if None.
          background: whether `save` returns before all is on the disk.
    """

    def __init__(self, folder: Any, most: int | None, background: bool):
        package = orbax()
        self._folder = os.path.abspath(folder)
        options = package.CheckpointManagerOptions(max_to_keep=most, enable_async_checkpointing=background)
        self._manager = package.CheckpointManager(self._folder, options=options, item_names=(_ITEM,))

    def save(self, step: int, tree: Any) -> None:
        """Saves a state under a number; one of the same number is replaced."""
        arguments = orbax().args
        with guarded(self._folder, str(step)):
            if step in self._manager.all_steps():
                self._manager.wait_until_finished()
                self._manager.delete(step)
            kept = self._manager.save(step, args=arguments.Composite(**{_ITEM: arguments.StandardSave(tree)}))
        if not kept:
            warnings.warn(f"{self._folder} holds later checkpoints than {step}, which was not saved.", stacklevel=6)

    def wait(self) -> None:
        """Returns when all that was saved is on the disk."""
        with guarded(self._folder):
            self._manager.wait_until_finished()

    def latest(self) -> str | None:
        """The path of the last checkpoint, for `load_weights`."""
        self.wait()
        step = self._manager.latest_step()
        return None if step is None else os.path.join(self._folder, str(step), _ITEM)
