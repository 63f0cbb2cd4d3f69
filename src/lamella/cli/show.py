"""`lamella summary`, `lamella explain`, `lamella diff`: what is in model files."""

from __future__ import annotations

import json
from typing import Any

from lamella import saving


def summary(path: str, as_json: bool, width: int | None, **shown: Any) -> None:
    """Prints the summary of the model in a file; `shown` says what of it."""
    from lamella.anatomy import table, write_summary

    found = table(saving.load_model(path, compile=False), **shown)
    if as_json:
        print(_json(found.to_dict()))
    else:
        write_summary(found, width)


def explain(path: str, address: str | None, as_json: bool, width: int | None) -> str:
    """A model in a file, or one part of it, in words."""
    told = saving.load_model(path, compile=False).anatomy.explain(address)
    return _json(told.to_dict()) if as_json else told.text(width or 80).rstrip("\n")


def diff(left: str, right: str, as_json: bool) -> tuple[str, bool]:
    """What differs between the models in two files, and whether anything does."""
    from lamella.anatomy import diff as compared

    found = compared(saving.load_model(left, compile=False), saving.load_model(right, compile=False))
    return (_json({**found.to_dict(), "files": [left, right]}) if as_json else str(found).rstrip("\n")), found.same


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)
