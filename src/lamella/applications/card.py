"""The weights card: where published weights lie, and how they come here."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lamella.errors import FileError

STORE = "https://storage.googleapis.com/tensorflow/keras-applications"
_FOLDER = "models"  # of the cache folder, as in Keras


@dataclass(frozen=True)
class Card:
    """Where the weights of one architecture are published.

    stem:   address of the files, up to what tells them apart.
    hashes: of the file with the classifier and of the one without, as Keras publishes them.
    bare:   what the name of the file without the classifier ends in.
    kept:   name of the files in the cache folder, up to what tells them apart, if it is another.
    """

    stem: str
    hashes: tuple[str | None, str | None] = (None, None)
    bare: str = "_notop"
    kept: str | None = None

    def load(self, model: Any, include_top: bool) -> None:
        """Gives a model its published weights, from the file in the cache folder, downloaded if it is not there.

        A new file gets its name there only when its hash is right and all of it fits the model.

        Raises: FileError: it cannot be downloaded, or does not fit; it says where to put the file by hand.
        """
        ending = "" if include_top else self.bare
        address, file_hash = f"{self.stem}{ending}.h5", self.hashes[not include_top]
        target = _place(address if self.kept is None else f"{self.kept}{ending.replace('-', '_')}.h5")
        if target.exists():
            _load_kept(model, fetch(address, file_hash, target.name), file_hash)
        else:
            _load_new(model, address, file_hash, target)


def kernels_card(family: str, name: str, *hashes: str) -> Card:
    """The card of a network whose file is called as most of Keras's are.

    Example: >>> from lamella.applications.card import kernels_card
             >>> kernels_card("vgg16", "vgg16", "64…", "6d…").stem.rpartition("/")[2]
             'vgg16_weights_tf_dim_ordering_tf_kernels'
    """
    with_top, without = hashes
    return Card(f"{STORE}/{family}/{name}_weights_tf_dim_ordering_tf_kernels", (with_top, without))


def fetch(address: str, file_hash: str | None = None, name: str | None = None) -> str:
    """The path of a file in Keras's cache folder, downloaded if it is not there.

    Args:   name: of the file there; the last part of the address if None.
    Raises: FileError: it is not there and cannot be downloaded; it says where to put it by hand.
    """
    from lamella.utils import get_file

    return get_file(name or address.rpartition("/")[2], address, cache_subdir=_FOLDER, file_hash=file_hash)


def _place(address: str) -> Path:
    from lamella.utils import cache_path

    return cache_path(address.rpartition("/")[2], _FOLDER)


def _load_kept(model: Any, path: str, file_hash: str | None) -> None:
    try:
        model.load_weights(path)
    except FileError as error:
        if file_hash is None:  # else it is the published file, and fetching it again would not help
            error.fix = f"remove {path}, and it is downloaded again"
        raise


def _load_new(model: Any, address: str, file_hash: str | None, target: Path) -> None:
    from lamella.utils import get_file

    with tempfile.TemporaryDirectory(prefix=".partial-", dir=target.parent) as folder:
        try:
            path = get_file(target.name, address, cache_subdir=_FOLDER, cache_dir=folder, file_hash=file_hash)
        except FileError as error:
            error.fix = f"without a network, put the file at {target} by hand"
            raise
        model.load_weights(path)
        os.replace(path, target)
