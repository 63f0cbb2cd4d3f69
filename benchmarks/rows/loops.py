"""Data that arrives batch by batch."""

from __future__ import annotations

from typing import Any

from benchmarks.row import Work, row
from benchmarks.rows.dense import mlp

STEPS = 200


@row("fit from a generator, MLP, 200 × 32")
def fit_generator(keras: Any) -> Work:
    model, x, y = mlp(keras, STEPS)

    def batches() -> Any:
        while True:
            for start in range(0, len(x), 32):
                yield x[start : start + 32], y[start : start + 32]

    return lambda: model.fit(batches(), steps_per_epoch=STEPS, verbose=0).history["loss"]


@row("fit from a torch DataLoader, MLP, 200 × 32", needs=("torch",))
def fit_dataloader(keras: Any) -> Work:
    import torch
    from torch.utils.data import DataLoader, TensorDataset

    model, x, y = mlp(keras, STEPS)
    loader = DataLoader(TensorDataset(torch.from_numpy(x), torch.from_numpy(y)), batch_size=32)
    return lambda: model.fit(loader, verbose=0).history["loss"]
