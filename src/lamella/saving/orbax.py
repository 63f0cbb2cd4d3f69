"""Orbax writes checkpoints: each device its own part of each array, in the background if wanted.

A checkpoint is written under a temporary name, sealed, and takes its number in one step.

Source: https://orbax.readthedocs.io
"""

from __future__ import annotations

import atexit
import logging
import os
import threading
import warnings
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any
from weakref import WeakMethod

import jax

from lamella.errors import MissingExtraError
from lamella.saving.content import ADDRESSES, PYTREE, tree_of
from lamella.saving.gate import guarded
from lamella.saving.numbered import Numbered
from lamella.saving.seal import seal

ORBAX = ".orbax"


def orbax() -> Any:
    """The package.

    Raises: MissingExtraError: it is not installed.
    """
    try:
        import orbax.checkpoint as package
    except ImportError as error:
        raise MissingExtraError("Checkpoints need Orbax.", fix="pip install lamella[orbax]") from error
    return package.v1


def save_checkpoint(model: Any, path: Any, skip: Any = ()) -> None:
    """Writes the state of a model and of its optimizer as the one checkpoint of a folder."""
    tree, addresses = tree_of(model, skip=skip)
    Checkpoints(path).save(None, {PYTREE: tree}, {ADDRESSES: addresses})


class Checkpoints:
    """Numbered checkpoints in a folder, the last ones kept.

    Args: most: how many are kept; all if None.
          background: whether `save` returns before all is on the disk.
    """

    def __init__(self, folder: Any, most: int | None = None, background: bool = False):
        self._orbax = orbax()
        self._folder, self._most = Numbered(folder), most
        self._background = ThreadPoolExecutor(1, "checkpoints") if background else None
        self._saving: Future[None] | None = None
        if background:
            _before_threads_end(WeakMethod(self.wait))

    def save(self, number: int | None, content: Mapping[str, Any], about: Mapping[str, Any]) -> None:
        """Saves under a number, in place of the checkpoint that has it.

        Args: number: that of the last checkpoint if None.
        """
        self.wait()
        last = (self._folder.numbers() or [None])[-1]
        number = last or 0 if number is None else number
        if last is not None and last > number:
            warnings.warn(f"{self._folder.path} has later checkpoints than {number}: not saved.", stacklevel=6)
            return
        written = self._begun(number, content)
        if self._background is None:
            self._finish(number, written, about)
        else:
            self._saving = self._background.submit(self._finish, number, written, about)

    def _begun(self, number: int, content: Mapping[str, Any]) -> Any:
        """Starts to write; the arrays may change once this returns."""
        with self._guarded(number), _quiet():
            if _is_first():
                self._folder.clear()
            return self._orbax.save_checkpointables_async(self._folder.partial(number), dict(content))

    def _finish(self, number: int, written: Any, about: Mapping[str, Any]) -> None:
        with self._guarded(number), _quiet():
            written.result()
            if _is_first():
                seal(self._folder.partial(number), about)
                self._folder.commit(number)
                self._folder.keep(self._most)

    @contextmanager
    def _guarded(self, number: int) -> Iterator[None]:
        """Leaves nothing half written when something fails."""
        with guarded(self._folder.path, str(number)):
            try:
                yield
            except BaseException:
                self._folder.abandon(number)
                raise

    def wait(self) -> None:
        """Returns when all that was saved is on the disk.

        Raises: FileError: it could not be written.
        """
        saving, self._saving = self._saving, None
        if saving is not None:
            saving.result()

    def latest(self) -> str | None:
        """The path of the last checkpoint, for `load_weights`."""
        self.wait()
        found = self._folder.latest()
        return None if found is None else os.fspath(found)


def _before_threads_end(wait: WeakMethod[Any]) -> None:
    """Has a program that ends wait, while threads can still be started: Orbax would lose what it is writing."""
    getattr(threading, "_register_atexit", atexit.register)(lambda: (wait() or (lambda: None))())


def _is_first() -> bool:
    """Whether this process does what is done once."""
    return jax.process_index() == 0


@contextmanager
def _quiet() -> Iterator[None]:
    """Keeps Orbax from warning of a text that has no arrays beside it."""

    def is_news(record: logging.LogRecord) -> bool:
        return "Skipping merge of OCDBT" not in record.getMessage()

    logger = logging.getLogger("absl")
    logger.addFilter(is_news)
    try:
        yield
    finally:
        logger.removeFilter(is_news)
