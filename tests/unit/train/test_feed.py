"""Feeding data: what comes out, in which order, and what is refused before the first step."""

import threading
import warnings
from collections import namedtuple

import jax.numpy as jnp
import numpy as np
import pytest
import scipy.sparse

from lamella.errors import DataError
from lamella.train.feed import (
    ArrayFeed,
    PyDataset,
    feed,
    pack_x_y_sample_weight,
    train_validation_split,
    unpack_x_y_sample_weight,
)


def firsts(data):
    return [np.asarray(x).tolist() for x, _, _ in data.batches()]


# Arrays


def test_arrays_are_cut_in_order():
    x, y = np.arange(5.0), np.arange(5)
    data = feed(x, y, batch_size=2)
    batches = list(data.batches())
    assert [b[0].tolist() for b in batches] == [[0, 1], [2, 3], [4]]
    assert [b[1].tolist() for b in batches] == [[0, 1], [2, 3], [4]]
    assert batches[0][0].dtype == np.float32 and batches[0][2] is None
    assert (data.num_batches, data.batch_size, data.num_samples) == (3, 2, 5)
    assert firsts(data) == firsts(data)


def test_structures_are_kept():
    pair = namedtuple("pair", "a b")
    x = {"u": np.zeros((4, 2)), "v": [np.ones(4), jnp.arange(4)], "w": pair(np.zeros(4), None)}
    (bx, by, _), *_ = feed(x, (np.zeros(4), np.ones(4)), batch_size=3).batches()
    assert bx["u"].shape == (3, 2) and bx["v"][1].tolist() == [0, 1, 2]
    assert isinstance(bx["w"], pair) and bx["w"].b is None
    assert isinstance(by, tuple) and by[1].shape == (3,)


def test_lists_are_arrays_of_their_rows():
    data = feed([[1, 2], [3, 4], [5, 6]], [0, 1, 0], batch_size=2)
    x, y, _ = next(data.batches())
    assert x.shape == (2, 2) and y.tolist() == [0, 1]
    words = next(feed(["a", "bcd"], [0, 1]).batches())[0]
    assert words.tolist() == ["a", "bcd"]


def test_sparse_rows_become_dense():
    matrix = scipy.sparse.eye(4, format="coo")
    assert firsts(feed(matrix, batch_size=3))[1] == [[0, 0, 0, 1]]


@pytest.mark.parametrize("shuffle", [True, "batch"])
def test_shuffle_is_numpys_and_new_each_epoch(shuffle):
    data = feed(np.arange(64), shuffle=shuffle, batch_size=16)
    np.random.seed(3)
    one, two = firsts(data), firsts(data)
    np.random.seed(3)
    assert firsts(data) == one != two
    assert sorted(i for batch in one for i in batch) == list(range(64))
    if shuffle == "batch":
        assert sorted(one[1]) == list(range(16, 32))
    np.random.seed(3)
    order = np.random.permutation(64)
    if shuffle is True:
        assert one[0] == order[:16].tolist()


def test_steps_go_on_where_the_last_epoch_stopped():
    data = feed(np.arange(8), batch_size=2, steps=2)
    assert [firsts(data) for _ in range(3)] == [[[0, 1], [2, 3]], [[4, 5], [6, 7]], [[0, 1], [2, 3]]]
    data.close()
    assert feed(np.arange(8), steps=2).batch_size == 4


def test_too_many_steps_warn():
    data = feed(np.arange(4), batch_size=2, steps=3)
    with pytest.warns(UserWarning, match="after 2 of 3 steps"):
        assert len(firsts(data)) == 2
    with pytest.warns(UserWarning, match="after 2 of 3"):
        assert len(firsts(data)) == 2


def test_skip_resumes_inside_of_an_epoch():
    data = feed(np.arange(10), batch_size=2, shuffle=True)
    np.random.seed(0)
    whole = firsts(data)
    np.random.seed(0)
    assert [x.tolist() for x, _, _ in data.batches(skip=3)] == whole[3:]
    ticks = feed(iter([np.array([i]) for i in range(5)]))
    assert [x.tolist() for x, _, _ in ticks.batches(skip=3)] == [[3], [4]]


def test_peek_takes_nothing_away():
    data = feed(np.arange(4), batch_size=2, shuffle=True)
    state = np.random.get_state()[2]
    assert data.peek()[0].tolist() == [0, 1]
    assert np.random.get_state()[2] == state
    data = feed((np.array([i]) for i in range(3)), steps=2)
    assert data.peek()[0].tolist() == [0] == data.peek()[0].tolist()
    assert firsts(data) == [[0], [1]]
    assert data.peek()[0].tolist() == [2]


def test_weights():
    y = np.array([0, 1, 2, 1])
    (_, _, w), *_ = feed(np.zeros(4), y, class_weight={1: 2.0, 2: 0.5}).batches()
    assert w.tolist() == [1.0, 2.0, 0.5, 2.0] and w.dtype == np.float32
    (_, _, w), *_ = feed(np.zeros(4), np.eye(3)[y], class_weight={1: 2.0}).batches()
    assert w.tolist() == [1.0, 2.0, 1.0, 2.0]
    (_, _, w), *_ = feed(np.zeros(2), [np.zeros(2), np.zeros(2)], np.array([1.0, 3.0])).batches()
    assert [v.tolist() for v in w] == [[1.0, 3.0], [1.0, 3.0]]


# Streams


def endless():
    number = 0
    while True:
        yield np.full((2, 1), number), np.zeros(2)
        number += 1


def test_a_generator_runs_on_from_epoch_to_epoch():
    data = feed(endless(), steps=2)
    assert data.num_batches == 2
    assert firsts(data) == [[[0], [0]], [[1], [1]]]
    assert firsts(data) == [[[2], [2]], [[3], [3]]]


def test_a_generator_that_ends():
    data = feed(np.full((1,), i) for i in range(3))
    assert data.num_batches is None
    assert len(firsts(data)) == 3 == data.num_batches
    with pytest.warns(UserWarning, match="no more batches"):
        assert firsts(data) == []
    short = feed((np.full((1,), i) for i in range(3)), steps=5)
    with pytest.warns(UserWarning, match="3 of 5"):
        firsts(short)


def test_no_batch_is_taken_too_many():
    source = endless()
    firsts(feed(source, steps=3))
    assert next(source)[0][0, 0] == 3


def test_an_iterable_begins_anew():
    class Twice:
        def __iter__(self):
            return iter([np.array([1]), np.array([2])])

    data = feed(Twice())
    assert firsts(data) == firsts(data) == [[1], [2]]
    data = feed(Twice(), steps=2)
    assert firsts(data) == firsts(data) == [[1], [2]]


def test_an_error_in_a_generator_comes_through():
    def broken():
        yield np.zeros(2), np.zeros(2)
        raise OSError("disk gone")

    with pytest.raises(OSError, match="disk gone") as caught:
        list(feed(broken()).batches())
    assert any(entry.name == "broken" for entry in caught.traceback)


def test_class_weight_for_a_generator():
    data = feed(iter([(np.zeros(2), np.array([0, 1]))]), class_weight={1: 4.0})
    assert next(data.batches())[2].tolist() == [1.0, 4.0]


def test_foreign_loaders_by_name():
    loader_class = type("DataLoader", (), {"__module__": "torch.utils.data.dataloader"})

    class Loader(loader_class):
        batch_size, dataset = 2, [1, 2, 3]

        def __len__(self):
            return 2

        def __iter__(self):
            return iter([[np.array([1, 2])], [np.array([3])]])

    data = feed(Loader())
    assert (data.num_batches, data.batch_size) == (2, 2)
    assert firsts(data) == firsts(data) == [[1, 2], [3]]


# PyDataset


class Squares(PyDataset):
    def __init__(self, count=5, **kwargs):
        super().__init__(**kwargs)
        self.count, self.seen, self.calls = count, [], []

    @property
    def num_batches(self):
        return self.count

    def __getitem__(self, index):
        if index == 99:
            raise KeyError("nothing at 99")
        self.seen.append(threading.current_thread().name)
        return np.full((2,), index), np.full((2,), index**2)

    def on_epoch_begin(self):
        self.calls.append("begin")

    def on_epoch_end(self):
        self.calls.append("end")


@pytest.mark.parametrize(
    "options", [{}, {"workers": 3, "max_queue_size": 2}, {"workers": 2, "use_multiprocessing": True}]
)
@pytest.mark.filterwarnings("ignore:.*fork.*")
def test_pydataset_comes_in_order(options):
    dataset = Squares(**options)
    data = feed(dataset)
    assert data.num_batches == 5
    data.on_epoch_begin()
    assert [y[0] for _, y, _ in data.batches()] == [0, 1, 4, 9, 16]
    data.on_epoch_end()
    assert dataset.calls == ["begin", "end"]
    if options.get("workers") == 3:
        assert all(name.startswith("PyDataset") for name in dataset.seen)


def test_pydataset_leaves_no_threads():
    before = threading.active_count()
    data = feed(Squares(workers=4, count=50), steps=3)
    assert len(firsts(data)) == 3
    data.close()
    batches = feed(Squares(workers=4, count=50)).batches()
    next(batches)
    batches.close()
    assert threading.active_count() == before


def test_pydataset_shuffles_and_never_ends():
    import random

    random.seed(1)
    order = [x[0] for x, _, _ in feed(Squares(8), shuffle=True).batches()]
    assert order != sorted(order) == list(range(8))
    assert len(firsts(feed(Squares(None), steps=7))) == 7
    with pytest.raises(KeyError, match="99"):
        firsts(feed(Squares(None, workers=2)))


def test_a_pydataset_that_forgot_super():
    class Forgot(PyDataset):
        def __init__(self):
            pass

        def __len__(self):
            return 1

        def __getitem__(self, index):
            return (np.zeros(1),)

    with pytest.warns(UserWarning, match="super"):
        assert len(firsts(feed(Forgot()))) == 1


# What is refused


def ragged_objects():
    array = np.empty(2, object)
    array[:] = [[1], [1, 2]]
    return array


@pytest.mark.parametrize(
    ("arguments", "options", "words"),
    [
        ((np.zeros(100), np.zeros(90)), {}, r"x has 100 samples, y has 90\."),
        (({"a": np.zeros(3)}, [np.zeros(3), np.zeros(4)]), {}, r"x\['a'\] has 3 samples, y\[0\] has 3, y\[1\] has 4\."),
        ((np.zeros((0, 3)),), {}, "x is empty"),
        (([],), {}, "x is empty"),
        ((None,), {}, "There is no data"),
        (([[1, 2], [3, 4], [5]],), {}, "x is ragged: sample 2"),
        ((ragged_objects(),), {}, "x is ragged: sample 1"),
        ((np.zeros(3, complex),), {}, "complex"),
        ((np.array([1, "a", None], object),), {}, "dtype object, and 1 at sample 0"),
        ((np.array(["2020-01-01"], "datetime64[D]"),), {}, "dates"),
        ((np.zeros(3), ["a", "b", "c"]), {}, "y holds strings"),
        ((np.float32(3),), {}, "nothing that batches|no array of samples"),
        (([np.zeros(3), 5],), {}, r"x\[1\] is no array of samples"),
        ((np.zeros(3),), {"batch_size": 0}, "batch_size"),
        ((np.zeros(3),), {"batch_size": 2.5}, "batch_size"),
        ((np.zeros(3),), {"steps": 0}, "steps"),
        ((np.zeros(3),), {"shuffle": "yes"}, "shuffle"),
        ((endless(), np.zeros(3)), {}, "y was given beside a generator"),
        ((endless(), None, np.zeros(3)), {}, "sample_weight was given beside"),
        ((endless,), {}, "call the function"),
        (("data.csv",), {}, "nothing that batches"),
        ((3,), {}, "nothing that batches"),
        ((np.zeros(3), "labels"), {}, "y is no array"),
        ((np.zeros(3), np.zeros(3), np.ones(3)), {"class_weight": {0: 1.0}}, "cannot both be given"),
        ((np.zeros(3), [np.zeros(3)]), {"class_weight": {0: 1.0}}, "one output"),
        ((np.zeros(3),), {"class_weight": {0: 1.0}}, "needs y"),
        ((np.zeros(3), np.zeros(3)), {"class_weight": [1.0]}, "is a dict"),
        ((np.zeros(3), np.zeros(3)), {"class_weight": {"a": 1.0}}, "is a dict"),
        ((np.zeros(3), [np.zeros(3), np.zeros(3)], [np.ones(3)]), {}, "does not match the outputs"),
        ((np.zeros(3), [np.zeros(3), np.zeros(3)], np.ones((3, 2))), {}, "one number a sample"),
        ((Squares(0),), {}, "0 batches"),
        ((iter([(1, 2, 3, 4)]),), {}, "too many"),
        ((iter([(np.zeros(2), np.zeros(3))]),), {}, "Batch 0: x has 2 samples, y has 3"),
        ((iter([np.zeros(2), "text"]),), {}, "Batch 1: this is no batch"),
        ((iter([None]),), {}, "Batch 0: this is no batch"),
    ],
)
def test_refused(arguments, options, words):
    with pytest.raises(DataError, match=words) as caught:
        list(feed(*arguments, **options).batches())
    assert "0x" not in str(caught.value)


def test_shuffle_of_a_generator_warns():
    with pytest.warns(UserWarning, match="shuffle has no effect"):
        feed(endless(), shuffle="batch")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        feed(endless(), shuffle=True)


# Splits and packs


def test_validation_split_takes_the_end():
    (x, y, w), (vx, vy, vw) = train_validation_split(({"a": np.arange(10)}, np.arange(10), None), 0.25)
    assert x["a"].tolist() == list(range(7)) and vx["a"].tolist() == [7, 8, 9]
    assert len(y) == 7 and len(vy) == 3 and w is vw is None


@pytest.mark.parametrize(
    ("arrays", "fraction", "words"),
    [
        ((np.zeros(1), None, None), 0.5, "leaves none to train on"),
        ((np.zeros(4), None, None), 1.0, "fraction"),
        ((endless(), None, None), 0.5, "arrays only"),
        ((np.zeros(4), np.zeros(5), None), 0.5, "x has 4 samples, y has 5"),
    ],
)
def test_validation_split_refuses(arrays, fraction, words):
    with pytest.raises(DataError, match=words):
        train_validation_split(arrays, fraction)


def test_pack_and_unpack():
    assert unpack_x_y_sample_weight([1, 2]) == (1, 2, None)
    assert unpack_x_y_sample_weight({"a": 1}) == ({"a": 1}, None, None)
    assert unpack_x_y_sample_weight((1,)) == (1, None, None)
    assert pack_x_y_sample_weight([1]) == ([1],)
    assert pack_x_y_sample_weight(1, 2, 3) == (1, 2, 3)
    with pytest.raises(DataError, match="too many"):
        unpack_x_y_sample_weight((1, 2, 3, 4))


def test_columns_are_there_for_a_compiled_epoch():
    data = feed(np.arange(6), np.arange(6), shuffle=True)
    assert isinstance(data, ArrayFeed)
    np.random.seed(5)
    order = data.order()
    np.random.seed(5)
    assert next(data.batches())[0].tolist() == data.columns[0][order].tolist()
