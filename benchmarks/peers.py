"""Who runs the rows."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from importlib import metadata
from importlib.util import find_spec

from benchmarks.row import Row


@dataclass(frozen=True)
class Peer:
    """A library.

    Args:    module: what is imported as `keras`; for plain libraries the file with the hand-written work.
             backend: Keras's backend.
             needs: packages without which the peer is left out.
             plain: the name under which rows list a hand-written peer.
    """

    name: str
    module: str
    needs: tuple[str, ...]
    backend: str = ""
    plain: str = ""

    @property
    def installed(self) -> bool:
        return all(find_spec(package) for package in self.needs)

    @property
    def environment(self) -> dict[str, str]:
        return {"KERAS_BACKEND": self.backend} if self.backend else {}

    def runs(self, row: Row) -> bool:
        """Whether the peer is installed and has this row."""
        has = self.plain in row.plain if self.plain else True
        return has and self.installed and all(find_spec(package) for package in row.needs)


OURS = "lamella"
PEERS = {
    peer.name: peer
    for peer in (
        Peer(OURS, "lamella", ("lamella", "jax")),
        Peer("keras-tensorflow", "keras", ("keras", "tensorflow"), backend="tensorflow"),
        Peer("keras-jax", "keras", ("keras", "jax"), backend="jax"),
        Peer("keras-torch", "keras", ("keras", "torch"), backend="torch"),
        Peer("plain-torch", "benchmarks.plain_torch", ("torch",), plain="torch"),
        Peer("plain-jax", "benchmarks.plain_jax", ("jax",), plain="jax"),
    )
}
KERAS = tuple(name for name, peer in PEERS.items() if peer.backend)

_PACKAGES = ("lamella", "keras", "jax", "jaxlib", "tensorflow", "tensorflow-cpu", "torch", "numpy")


def versions() -> dict[str, str]:
    """{package: version} of what is installed."""
    found = {}
    for package in _PACKAGES:
        with suppress(metadata.PackageNotFoundError):
            found[package] = metadata.version(package)
    return found
