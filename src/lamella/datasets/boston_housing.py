"""Boston housing: prices of houses in 1978."""

from __future__ import annotations

from numpy.random import RandomState

from lamella.datasets.origin import Split, check_test_split, from_google, npz, shuffled, split

_HASH = "f553886a1f8d56431e820c5b82552d9d95cfcb96d1e678153f8839538947dff5"


def load_data(path: str = "boston_housing.npz", test_split: float = 0.2, seed: int = 113) -> Split:
    """506 districts, 13 facts each.  One of the facts is the share of Black people: think before you use it.

    Shape:  x (n, 13) float64; y (n,) float64, median price in thousands of dollars
    Source: http://lib.stat.cmu.edu/datasets/boston
    Raises: FileError: it is not in the cache, and there is no network.
    """
    check_test_split(test_split)
    x, y = shuffled(RandomState(seed), *npz(from_google(path, "boston_housing.npz", _HASH), "x", "y"))
    return split(x, y, test_split)


__all__ = ["load_data"]
