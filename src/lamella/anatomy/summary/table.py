"""The summary of a model as data: rows and totals, before anything is printed."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Row:
    """One layer or op of a summary, or the heading of a block.

    shape:     its output shapes in words; `outputs`: these shapes, each once.
    connected: "layer[call][output]" for each tensor that goes in.
    trainable: None where there is nothing to train.
    level:     how deep in models inside of models.
    address:   where it stands; "" where that is not known.
    more:      what the extra columns say, in their order.
    heading:   whether the row is about the rows below it, the first of `times` equal blocks;
               its numbers are those of all of them.
    """

    name: str
    kind: str
    shape: str
    params: int
    built: bool
    connected: tuple[str, ...]
    trainable: bool | None
    level: int = 0
    address: str = ""
    outputs: tuple[tuple[int | None, ...], ...] = ()
    more: tuple[Any, ...] = ()
    heading: bool = False
    times: int = 1


@dataclass(frozen=True)
class Count:
    """A number of parameters and the bytes they take."""

    params: int
    bytes: int


@dataclass(frozen=True)
class Table:
    """What `summary()` shows of a model.

    branches:       whether "Connected to" says anything.
    columns:        names of the extra columns, which then stand in place of Keras's.
    extended:       whether it is more than Keras's own table.
    header:         what the model holds, in a line; "" for Keras's own table.
    show_trainable: whether there is a column for the layers' own flags.

    Example: >>> model = Sequential([Input((3,)), Dense(2, name="d")])
             >>> model.anatomy.summary(columns=["macs"]).rows[0].more
             (6,)
    """

    model: str
    rows: tuple[Row, ...]
    branches: bool
    trainable: Count
    frozen: Count
    optimizer: Count | None
    notes: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    extended: bool = False
    header: str = ""
    show_trainable: bool = False

    @property
    def total(self) -> Count:
        """Parameters of the model; what the optimizer keeps is not the model's."""
        return Count(self.trainable.params + self.frozen.params, self.trainable.bytes + self.frozen.bytes)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        rows = [{**asdict(row), "more": dict(zip(self.columns, row.more, strict=True))} for row in self.rows]
        return {**asdict(self), "rows": rows, "total": asdict(self.total)}

    def __str__(self) -> str:
        from lamella.anatomy.summary.text import natural_width, summary_text

        return summary_text(self, natural_width(self))

    def _repr_html_(self) -> str:
        from lamella.anatomy.summary.page import summary_html

        return summary_html(self)
