"""The command line: `lamella demo`, `lamella convert`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from lamella.errors import LamellaError


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one verb; returns the exit code (0 fine, 1 an error, 2 wrong use)."""
    parser = argparse.ArgumentParser(prog="lamella", description="Layers and models on JAX.")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    _add_demo(verbs)
    _add_convert(verbs)
    chosen = parser.parse_args(arguments)
    try:
        chosen.run(chosen)
    except LamellaError as error:
        print(f"lamella {chosen.verb}: {error}", file=sys.stderr)
        return 1
    return 0


def _add_demo(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    demo = verbs.add_parser("demo", help="train, transfer, fine-tune and save a small ResNet on handwritten digits")
    demo.add_argument("--out", default="demo-output", help="folder for the saved models (default: %(default)s)")
    demo.add_argument("--seed", type=int, default=0, help="seed of every random choice (default: %(default)s)")
    demo.set_defaults(run=_demo)


def _demo(chosen: argparse.Namespace) -> None:
    from lamella.cli.demo import run_demo

    run_demo(chosen.out, chosen.seed)


def _add_convert(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    convert = verbs.add_parser("convert", help="write a model, or its weights, in another format")
    convert.add_argument("source", metavar="IN", help="a .keras, .h5, .weights.h5, .safetensors or .orbax file")
    convert.add_argument("target", metavar="OUT", help="the file to write; its ending says which format")
    convert.add_argument("--model", help="a whole model (or its .json), where IN holds weights only")
    convert.add_argument("--overwrite", action="store_true", help="replace OUT if it is there")
    convert.add_argument("--json", action="store_true", help="say what was done as JSON")
    convert.set_defaults(run=_convert)


def _convert(chosen: argparse.Namespace) -> None:
    from lamella.cli.convert import convert, told

    print(told(convert(chosen.source, chosen.target, chosen.model, chosen.overwrite), chosen.json))
