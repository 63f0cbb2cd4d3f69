"""A model's state into a file and out of it: part by part, where `layout` says."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from lamella.errors import FileError
from lamella.optimizers import Optimizer
from lamella.saving.gate import Entries
from lamella.saving.hdf5 import Entry, Reader, StoredEntry, Writer
from lamella.saving.layout import visit
from lamella.saving.order import Order
from lamella.saving.report import NOT_THERE, LoadReport
from lamella.state import frame


def write_state(model: Any, skip: Iterable[Any] = ()) -> tuple[bytes, dict[str, bytes]]:
    """The weights file of a model, and the further files (assets) of its layers by entry.

    Args: skip: objects that are left out, with all that is met only inside of them.
    """
    writer = Writer()
    write_arrays(model, writer, skip)
    return writer.bytes(), assets_of(model, skip)


def write_arrays(model: Any, writer: Any, skip: Iterable[Any] = ()) -> None:
    """Puts what each part of a model keeps into a `Writer` (or what has its methods)."""

    def enter(part: Any, path: str) -> bool:
        if hasattr(part, "save_own_variables"):
            name = getattr(part, "name", None)
            part.save_own_variables(Entry(writer, path, name if isinstance(name, str) else None))
        return True

    visit(model, "", enter, {id(part): part for part in skip})


def assets_of(model: Any, skip: Iterable[Any] = ()) -> dict[str, bytes]:
    """The further files of a model's layers by entry."""
    found: dict[str, bytes] = {}

    def enter(part: Any, path: str) -> bool:
        if hasattr(part, "save_assets"):
            found.update(_assets_of(part, path))
        return True

    visit(model, "", enter, {id(part): part for part in skip})
    return found


def _assets_of(part: Any, path: str) -> dict[str, bytes]:
    with tempfile.TemporaryDirectory() as folder:
        part.save_assets(folder)
        files = [file for file in sorted(Path(folder).rglob("*")) if file.is_file()]
        prefix = f"{Entries.ASSETS}{path}/" if path else Entries.ASSETS
        return {prefix + file.relative_to(folder).as_posix(): file.read_bytes() for file in files}


def read_state(
    model: Any, reader: Reader, entries: Entries | None = None, skip: Iterable[Any] = (), skip_mismatch: bool = False
) -> LoadReport:
    """Gives a model the state in a file: all of it, or on an error none.

    Args:   entries: where the assets are, if they are wanted.
            skip: objects that are left as they are.
            skip_mismatch: parts that do not fit are left as they are, with a warning.
    Raises: FileError: parts of the model that the file does not fit.
    """
    loading = _Loading(reader, entries)
    visit(model, "", loading.enter, {id(part): part for part in skip})
    report = loading.report()
    if loading.failed:
        refusal = report.refusal(reader.name)
        if not skip_mismatch:
            raise refusal
        warnings.warn(str(refusal), stacklevel=4)
    for variable, value in loading.values.items():
        variable.assign(value)
    return report


class _Loading:
    """What was read so far.  Values are kept apart until the whole file was seen."""

    def __init__(self, reader: Reader, entries: Entries | None):
        self.values: dict[Any, Any] = {}
        self.failed: dict[int, tuple[str, str]] = {}
        self._tolerated: dict[str, str] = {}
        self._reader, self._entries = reader, entries
        self._loaded: dict[str, str] = {}  # {entry: group of arrays}
        self._order = Order({group.removesuffix("/vars"): name for group, name in reader.layer_names().items()})
        self._moved: dict[str, str] = {}  # {place: why}

    def report(self) -> LoadReport:
        skipped = {**dict(self.failed.values()), **self._tolerated}
        there = {_entry_of(array.rpartition("/")[0]) for array in self._reader.arrays()}
        return LoadReport(list(self._loaded), skipped, sorted(there - self._loaded.keys() - skipped.keys()))

    def enter(self, part: Any, path: str) -> bool:
        """Reads what a part keeps itself; whether that went well."""
        if hasattr(part, "load_own_variables"):
            stored = StoredEntry(self._reader, path)
            if (moved := self._moved_to(part, path)) is not None:
                self.failed[id(part)] = (_entry_of(stored.path), moved)
                return False
            try:
                self._read(part, stored)
            except FileError:
                raise
            except Exception as error:
                return self._note(part, path, stored, error)
            if stored:
                self._loaded[_entry_of(stored.path)] = stored.path
        if self._entries is not None:
            read_assets(part, path, self._entries)
        self.failed.pop(id(part), None)
        return True

    def _moved_to(self, part: Any, path: str) -> str | None:
        """Why a part, or one around it, is another than the file has at this place."""
        around = next((why for place, why in self._moved.items() if path.startswith(f"{place}/")), None)
        found = around or self._order.moved(part, path)
        if found is not None:
            self._moved[path] = found
        return found

    def _read(self, part: Any, stored: StoredEntry) -> None:
        if isinstance(part, Optimizer) and _untrained(part, stored):
            return
        overlay: dict[Any, Any] = {}
        with frame(overlay=overlay):
            part.load_own_variables(stored)
        self.values.update(overlay)

    def _note(self, part: Any, path: str, stored: StoredEntry, error: Exception) -> bool:
        name, entry = getattr(part, "name", type(part).__name__), _entry_of(stored.path)
        reason = (
            f"{error} ({type(part).__name__} {name!r})" if stored else f"{NOT_THERE} ({type(part).__name__} {name!r})"
        )
        if isinstance(part, Optimizer) or self._predates_containers(path):
            warnings.warn(f"{self._reader.name}: {entry} keeps its present state: {reason}", stacklevel=8)
            self._tolerated[entry] = reason
            return True
        self.failed[id(part)] = (entry, reason)
        return False

    def _predates_containers(self, path: str) -> bool:
        """Whether an older Keras wrote the file, which left out lists inside of lists."""
        above, container, _ = path.partition("/container")
        return bool(container) and not self._reader.has_group(above + container)


def read_assets(part: Any, path: str, entries: Any) -> None:
    """Gives a part the further files that it wrote, if there are any.

    Args: entries: has `assets(path)`, the names of these files, and `read(name)`.
    """
    names = entries.assets(path) if hasattr(part, "load_assets") else []
    if not names:
        return
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            file = Path(folder, name.removeprefix(Entries.ASSETS).removeprefix(f"{path}/"))
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(entries.read(name))
        part.load_assets(folder)


def _entry_of(group: str) -> str:
    """`layers/dense` for `layers/dense/vars`."""
    return group.removesuffix("vars").rstrip("/") or "the model itself"


def _untrained(optimizer: Optimizer, stored: StoredEntry) -> bool:
    """Whether an optimizer's state in a file is one before the first step, when Keras has made no slots yet."""
    counted = "0" in stored and stored["0"].shape == () and np.any(stored["0"])
    return not stored or not (counted or len(stored) == len(optimizer.variables))
