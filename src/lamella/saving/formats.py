"""In which format a file is: told by its first bytes, and by its name only where these say nothing."""

from __future__ import annotations

import os

from lamella.saving.checkpoint import is_checkpoint
from lamella.saving.gate import existing
from lamella.saving.keras2.tensorflow_weights import checkpoint_prefix, is_saved_model
from lamella.saving.legacy_h5 import is_old
from lamella.saving.orbax import ORBAX
from lamella.saving.sharded import SHARDED

KERAS, OLD, SAFETENSORS, WEIGHTS = ".keras", ".h5", ".safetensors", ".weights.h5"
TENSORFLOW = "TensorFlow"
_NAMES = (WEIGHTS, SHARDED, SAFETENSORS, ORBAX, KERAS)
_SIGNATURES = {b"PK\x03\x04": KERAS, b"PK\x05\x06": KERAS, b"\x89HDF": WEIGHTS}


def model_format(path: str) -> str:
    """The format of a whole model, by the ending that it should have; "" if none is known.

    Example: >>> from lamella.saving.formats import model_format
             >>> model_format("there_is_no_such_file.hdf5")
             '.h5'
    """
    found = TENSORFLOW if is_saved_model(path) else _signature(path) or _named(path)
    return OLD if found == WEIGHTS else found


def weights_format(path: str) -> str:
    """The format of weights: of HDF5 there are two, with layers in a list and by their place in the model."""
    found = _signature(path)
    if found == WEIGHTS:
        return OLD if is_old(existing(path)) else WEIGHTS
    return found or _named(path) or (TENSORFLOW if checkpoint_prefix(path) else "")


def _signature(path: str) -> str:
    if not os.path.isfile(path) or path.endswith((SHARDED, SAFETENSORS)):
        return ""
    with open(path, "rb") as file:
        return _SIGNATURES.get(file.read(4), "")


def _named(path: str) -> str:
    named = next((ending for ending in _NAMES if path.endswith(ending)), "")
    if not named and path.endswith((OLD, ".hdf5")):
        return OLD
    return named or (ORBAX if is_checkpoint(path) else "")
