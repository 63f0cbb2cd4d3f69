"""Data in, batches out: everything that `fit`, `evaluate` and `predict` accept."""

from lamella.train.feed.arrays import ArrayFeed
from lamella.train.feed.choose import feed, only_batch
from lamella.train.feed.columns import EmptyDataError
from lamella.train.feed.pack import Batch, pack_x_y_sample_weight, unpack_x_y_sample_weight, with_x
from lamella.train.feed.pydataset import PyDataset, PyDatasetFeed
from lamella.train.feed.source import Feed
from lamella.train.feed.split import train_validation_split
from lamella.train.feed.streams import StreamFeed
from lamella.train.feed.weights import class_weight_to_sample_weights

__all__ = [
    "ArrayFeed",
    "Batch",
    "EmptyDataError",
    "Feed",
    "PyDataset",
    "PyDatasetFeed",
    "StreamFeed",
    "class_weight_to_sample_weights",
    "feed",
    "only_batch",
    "pack_x_y_sample_weight",
    "train_validation_split",
    "unpack_x_y_sample_weight",
    "with_x",
]
