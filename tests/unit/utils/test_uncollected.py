"""The garbage collector rests while much is made, and finds cycles as before."""

import gc
import weakref

import pytest

from lamella.uncollected import uncollected


class Thing:
    def __init__(self):
        self.me = self


def test_it_rests_inside_only_also_after_an_error():
    with uncollected():
        with uncollected():
            pass
        assert not gc.isenabled()
    assert gc.isenabled()
    with pytest.raises(KeyError), uncollected():
        raise KeyError
    assert gc.isenabled()


def test_cycles_made_inside_are_found_later():
    with uncollected():
        one = weakref.ref(Thing())
        assert one() is not None
    gc.collect()
    assert one() is None


def test_what_the_user_decided_stays():
    gc.freeze()
    try:
        frozen = gc.get_freeze_count()
        with uncollected():
            pass
        assert gc.get_freeze_count() > frozen * 0.9
        gc.disable()
        with uncollected():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
        gc.unfreeze()
