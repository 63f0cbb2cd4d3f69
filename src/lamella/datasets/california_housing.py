"""California housing: prices of houses in the census of 1990."""

from __future__ import annotations

from numpy.random import RandomState

from lamella.datasets.origin import Split, check_test_split, from_google, npz, shuffled, split
from lamella.errors import unknown

_HASH = "1a2e3a52e0398de6463aebe6f4a8da34fb21fbb6b934cf88c3425e766f2a1a6f"
_SIZES = {"small": 600, "large": None}


def load_data(
    version: str = "large", path: str = "california_housing.npz", test_split: float = 0.2, seed: int = 113
) -> Split:
    """20,640 districts, 8 facts each.

    Args:   version: "small" takes the first 600.
    Shape:  x (n, 8) float32; y (n,) float32, median price in dollars
    Source: R. Pace, R. Barry, "Sparse spatial autoregressions", 1997
    Raises: FileError: it is not in the cache, and there is no network.
    """
    check_test_split(test_split)
    if version not in _SIZES:
        raise unknown("version", version, _SIZES)
    x, y = npz(from_google(path, "california_housing.npz", _HASH), "x", "y")
    x, y = shuffled(RandomState(seed), x[: _SIZES[version]], y[: _SIZES[version]])
    return split(x, y, test_split)


__all__ = ["load_data"]
