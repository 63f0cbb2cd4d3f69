"""The command line: `lamella run`, `demo`, `convert`, `summary`, `explain`, `diff`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from io import TextIOWrapper

from lamella.errors import LamellaError


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one verb; returns the exit code: 0 fine, 1 an error (or files that differ), 2 wrong use."""
    parser = argparse.ArgumentParser(prog="lamella", description="Layers and models on JAX.")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    _add_run(verbs)
    _add_demo(verbs)
    _add_convert(verbs)
    _add_summary(verbs)
    _add_explain(verbs)
    _add_diff(verbs)
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given[:1] == ["run"]:  # what follows is the program's, options too
        from lamella.cli.run import run

        return run(given[1:])
    chosen = parser.parse_args(given)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # an old terminal shows what it can
    try:
        code = chosen.run(chosen) or 0
        sys.stdout.flush()
    except BrokenPipeError:  # the reader, `head` say, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (LamellaError, OSError) as error:
        print(f"lamella {chosen.verb}: {error}", file=sys.stderr)
        return 1
    return code


def _add_run(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    verbs.add_parser("run", help="run a program in which `import keras` and `tf.keras` mean Lamella")


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
    convert.add_argument(
        "source", metavar="IN", help="a .keras, .h5, .weights.h5, .weights.json, .safetensors or .orbax file"
    )
    convert.add_argument("target", metavar="OUT", help="the file to write; its ending says which format")
    convert.add_argument("--model", help="a whole model (or its .json), where IN holds weights only")
    convert.add_argument("--shard-size", type=float, metavar="GB", help="of each file, where OUT ends in .weights.json")
    convert.add_argument("--overwrite", action="store_true", help="replace OUT if it is there")
    convert.add_argument("--json", action="store_true", help="say what was done as JSON")
    convert.set_defaults(run=_convert)


def _convert(chosen: argparse.Namespace) -> None:
    from lamella.cli.convert import convert, told

    done = convert(chosen.source, chosen.target, chosen.model, chosen.overwrite, chosen.shard_size)
    print(told(done, chosen.json))


def _add_summary(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    summary = verbs.add_parser("summary", help="the layers of a model file: shapes, parameters, costs")
    _add_file(summary)
    summary.add_argument(
        *("--columns", "-c"),
        type=_columns,
        default=(),
        help="what to show, of address,calls,output,params,trainable,frozen,macs,memory,field,connected",
    )
    summary.add_argument("--blocks", action="store_true", help="group layers into blocks, and fold equal ones")
    summary.add_argument("--depth", type=_at_least(1), help="levels of layers in layers to show")
    summary.add_argument("--expand-nested", action="store_true", help="show the layers of models inside")
    summary.add_argument("--show-trainable", action="store_true", help="show the layers' own flags")
    summary.add_argument(
        "--layer-range", nargs=2, metavar=("FIRST", "LAST"), help="names of the first layer to show and the last"
    )
    summary.add_argument("--width", type=_at_least(40), help="width in characters")
    summary.set_defaults(run=_summary)


def _summary(chosen: argparse.Namespace) -> None:
    from lamella.cli.show import summary

    names = ("columns", "blocks", "depth", "expand_nested", "show_trainable", "layer_range")
    summary(chosen.file, chosen.json, chosen.width, **{name: getattr(chosen, name) for name in names})


def _columns(text: str) -> tuple[str, ...]:
    from lamella.anatomy import column_names

    try:
        return column_names(text)
    except LamellaError as error:
        raise argparse.ArgumentTypeError(f"{error.what} {error.fix}") from None


def _at_least(least: int) -> Callable[[str], int]:
    """An argument that is a whole number of at least this."""

    def number(text: str) -> int:
        if not text.isdecimal() or int(text) < least:
            raise argparse.ArgumentTypeError(f"a whole number of at least {least}, not {text!r}")
        return int(text)

    return number


def _add_explain(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    explain = verbs.add_parser("explain", help="what a model, or one layer or weight in it, is and does")
    _add_file(explain)
    explain.add_argument(
        "address", nargs="?", metavar="ADDRESS", help='such as "layers[4]" or "base/conv1"; all if left out'
    )
    explain.add_argument("--width", type=_at_least(40), help="width in characters")
    explain.set_defaults(run=_explain)


def _explain(chosen: argparse.Namespace) -> None:
    from lamella.cli.show import explain

    print(explain(chosen.file, chosen.address, chosen.json, chosen.width))


def _add_diff(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    diff = verbs.add_parser("diff", help="what differs between two model files; exit code 1 if anything does")
    diff.add_argument("left", metavar="A", help="a .keras or .h5 file")
    diff.add_argument("right", metavar="B", help="another one")
    diff.add_argument("--json", action="store_true", help="as JSON")
    diff.set_defaults(run=_diff)


def _diff(chosen: argparse.Namespace) -> int:
    from lamella.cli.show import diff

    text, same = diff(chosen.left, chosen.right, chosen.json)
    print(text)
    return 0 if same else 1


def _add_file(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("file", metavar="FILE", help="a .keras or .h5 file with a whole model")
    verb.add_argument("--json", action="store_true", help="as JSON")
