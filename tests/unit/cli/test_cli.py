import numpy as np
import pytest

from lamella.cli import main
from lamella.cli.demo import small_resnet
from lamella.cli.digits import load_digits, pairs


def test_no_verb(capsys):
    with pytest.raises(SystemExit) as stopped:
        main([])
    assert stopped.value.code == 2 and "usage" in capsys.readouterr().err


def test_digits_are_real_and_split():
    digits = load_digits(seed=0)
    assert digits.x.shape[1:] == (32, 32, 3) and len(digits.x) + len(digits.x_test) == 1797
    few = digits.only(range(5, 10)).few(3)
    assert sorted(np.bincount(few.y)) == [3] * 5 and few.y.max() == 4
    (a, b), larger = pairs(digits.x, digits.y, 20, seed=0)
    assert a.shape == b.shape == (20, 32, 32, 3) and set(np.unique(larger)) == {0, 1}


def test_small_resnet_has_thirty_layers():
    model = small_resnet()
    assert len(model.layers) == 30 and sum(bool(layer.weights) for layer in model.layers) == 17


@pytest.mark.slow
def test_demo(tmp_path, capsys):
    assert main(["demo", "--out", str(tmp_path)]) == 0
    told = capsys.readouterr().out
    assert "held-out" in told and (tmp_path / "transferred.keras").stat().st_size > 10_000
