"""The command line: `lamella demo`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from lamella.errors import LamellaError


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one verb; returns the exit code (0 fine, 1 an error, 2 wrong use)."""
    parser = argparse.ArgumentParser(prog="lamella", description="Layers and models on JAX.")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    demo = verbs.add_parser("demo", help="train, transfer, fine-tune and save a small ResNet on handwritten digits")
    demo.add_argument("--out", default="demo-output", help="folder for the saved models (default: %(default)s)")
    demo.add_argument("--seed", type=int, default=0, help="seed of every random choice (default: %(default)s)")
    chosen = parser.parse_args(arguments)
    try:
        from lamella.cli.demo import run_demo

        run_demo(chosen.out, chosen.seed)
    except LamellaError as error:
        print(f"lamella {chosen.verb}: {error}", file=sys.stderr)
        return 1
    return 0
