"""Checkpoints for the tests: good ones, and ones that were tampered with."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import tensorstore as ts

import lamella
from lamella import layers

CONFIG = {"max_decoded_node_bytes": 100_000_000}
_TABLE = []
for _byte in range(256):
    for _ in range(8):
        _byte = (_byte >> 1) ^ (0x82F63B78 if _byte & 1 else 0)
    _TABLE.append(_byte)


def crc32c(data):
    sum_ = 0xFFFFFFFF
    for byte in data:
        sum_ = (sum_ >> 8) ^ _TABLE[(sum_ ^ byte) & 255]
    return sum_ ^ 0xFFFFFFFF


def model(width=4, optimizer="adam"):
    made = lamella.Sequential([lamella.Input((3,)), layers.Dense(width, name="a"), layers.Dense(2, name="b")], name="m")
    made.compile(optimizer, "mse")
    made.optimizer.build(made.trainable_variables)
    return made


def saved(folder: Path, one=None) -> Path:
    """A whole model's checkpoint without the list of its files, as Keras would write it."""
    from lamella.saving import Checkpoints, content_of

    Checkpoints(folder).save(0, *content_of(one or model()))
    (folder / "0" / "lamella.json").unlink()
    return folder


def rewritten(folder: Path, change, part="pytree") -> None:
    """Writes a store of arrays anew, uncompressed, once `change` was at its {name: bytes}."""
    place = folder / "0" / part
    old = ts.KvStore.open({"driver": "ocdbt", "base": f"file://{place}/"}).result()
    items = {key.decode(): old.read(key).result().value for key in old.list().result()}
    for name in ("d", "ocdbt.process_0"):
        shutil.rmtree(place / name)
    (place / "manifest.ocdbt").unlink()
    change(items)
    spec = {"driver": "ocdbt", "base": f"file://{place}/", "config": CONFIG | {"compression": None}}
    with ts.Transaction() as all_at_once:
        new = ts.KvStore.open(spec).result().with_transaction(all_at_once)
        for key, value in items.items():
            new.write(key, value).result()


def described(folder: Path, name: str, **changes) -> None:
    """Changes what the store says of one array."""

    def change(items):
        items[f"{name}/zarr.json"] = json.dumps(json.loads(items[f"{name}/zarr.json"]) | changes).encode()

    rewritten(folder, change)
