"""The weights card: where published weights lie, and how they come here."""

from __future__ import annotations

from dataclasses import dataclass

STORE = "https://storage.googleapis.com/tensorflow/keras-applications"


@dataclass(frozen=True)
class Card:
    """Where the weights of one architecture are published.

    stem:   address of the files, up to what tells them apart.
    hashes: of the file with the classifier and of the one without, as Keras publishes them.
    bare:   what the name of the file without the classifier ends in.
    """

    stem: str
    hashes: tuple[str | None, str | None] = (None, None)
    bare: str = "_notop"

    def fetch(self, include_top: bool) -> str:
        """The path of the weights file, downloaded if it is not in the cache folder."""
        return fetch(f"{self.stem}{'' if include_top else self.bare}.h5", self.hashes[not include_top])


def kernels_card(family: str, name: str, *hashes: str) -> Card:
    """The card of a network whose file is called as most of Keras's are.

    Example: >>> from lamella.applications.card import kernels_card
             >>> kernels_card("vgg16", "vgg16", "64…", "6d…").stem.rpartition("/")[2]
             'vgg16_weights_tf_dim_ordering_tf_kernels'
    """
    with_top, without = hashes
    return Card(f"{STORE}/{family}/{name}_weights_tf_dim_ordering_tf_kernels", (with_top, without))


def fetch(address: str, file_hash: str | None = None) -> str:
    """The path of a file in Keras's cache folder, downloaded if it is not there.

    Raises: FileError: it is not there and cannot be downloaded; it says where to put it by hand.
    """
    from lamella.utils import get_file

    return get_file(address.rpartition("/")[2], address, cache_subdir="models", file_hash=file_hash)
