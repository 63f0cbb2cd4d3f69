"""Runs a program as Python would, with `import keras` meaning Lamella: `lamella run`."""

from __future__ import annotations

import io
import os
import pkgutil
import signal
import sys
import zipfile
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import find_spec
from types import CodeType, ModuleType, TracebackType
from typing import Any

# What a process that `multiprocessing` starts runs as its main module: "-m name", or a path.
VARIABLE = "LAMELLA_PROGRAM"


class Main(ModuleType):
    """The module `__main__` of the program.

    `multiprocessing` tells the processes that it starts to import `__main__.__spec__.name`; that is a module of ours
    which runs the program again with the hook in place.  The program's own global `__spec__` is what Python gives it.
    """

    __spec__ = property(lambda self: ModuleSpec("lamella.as_keras.child", None))  # pyright: ignore


def run_script(path: str, arguments: Sequence[str]) -> int:
    """Runs a file, or a folder or zip file that holds a `__main__.py`.

    Returns: the exit code: 0, or 1 after an error, whose traceback is printed. SystemExit passes.
    """
    sys.argv = [path, *arguments]
    if os.path.isdir(path) or zipfile.is_zipfile(path):
        _first_on_path(path)
        return _run(f"-m __main__:{path}")
    _first_on_path(os.path.dirname(os.path.realpath(path)))
    return _run(os.path.abspath(path))


def run_module(name: str, arguments: Sequence[str]) -> int:
    """Runs a module, or a package's `__main__`, as `python -m` does; returns the exit code."""
    sys.argv = ["-m", *arguments]
    _first_on_path(os.getcwd())
    return _run(f"-m {name}")


def _first_on_path(folder: str) -> None:
    if not sys.flags.safe_path:
        sys.path[0] = folder


def _run(program: str) -> int:
    os.environ[VARIABLE] = program
    main = Main("__main__")
    try:
        code = load(program, main.__dict__)
    except (ImportError, OSError) as error:
        print(f"lamella run: {error}", file=sys.stderr)
        return 2
    except SyntaxError as error:
        return _report(error, None)
    sys.modules["__main__"] = main
    try:
        exec(code, main.__dict__)
    except SystemExit:
        raise
    except BaseException as error:
        traceback = error.__traceback__
        return _report(error, traceback.tb_next if traceback else None)
    return 0


def load(program: str, names: dict[str, Any]) -> CodeType:
    """The code of a program; gives its globals the names that Python gives a main module.

    Raises:  ImportError, OSError: there is no such program.  SyntaxError: it cannot be read.
    """
    import builtins

    names["__builtins__"] = builtins
    if not program.startswith("-m "):
        loader = SourceFileLoader("__main__", program)
        names |= {"__file__": program, "__cached__": None, "__loader__": loader, "__package__": None, "__spec__": None}
        with io.open_code(program) as file:
            return compile(file.read(), program, "exec", dont_inherit=True)
    spec = _module_spec(program.removeprefix("-m "))
    code = spec.loader.get_code(spec.name) if spec.loader is not None and hasattr(spec.loader, "get_code") else None
    if code is None:
        raise ImportError(f"No code object available for {spec.name}")
    names |= {
        "__file__": spec.origin,
        "__cached__": spec.cached,
        "__loader__": spec.loader,
        "__package__": spec.parent,
        "__spec__": spec,
    }
    if sys.argv[0] == "-m" and spec.origin:
        sys.argv[0] = spec.origin
    return code


def _module_spec(name: str) -> Any:
    name, _, folder = name.partition(":")
    importer = pkgutil.get_importer(folder) if folder else None
    spec = importer.find_spec(name) if importer is not None else find_spec(name)  # pyright: ignore
    if spec is None:
        raise ImportError(f"No module named {name}" if not folder else f"can't find '__main__' module in {folder!r}")
    if spec.submodule_search_locations is not None and not name.endswith("__main__"):
        try:
            return _module_spec(f"{name}.__main__")
        except ImportError:
            raise ImportError(f"No module named {name}.__main__; {name!r} is a package") from None
    return spec


def _report(error: BaseException, traceback: TracebackType | None) -> int:
    """Prints an error as Python does at the end of a program, without the frames of `lamella run`."""
    error = error.with_traceback(traceback)
    sys.last_type, sys.last_value, sys.last_traceback = type(error), error, traceback
    sys.excepthook(type(error), error, traceback)
    if isinstance(error, KeyboardInterrupt):
        sys.stdout.flush()
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
    return 1
