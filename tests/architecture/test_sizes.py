"""Files stop at 500 lines, function bodies at 40, and `Layer.__call__` at 25."""

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "lamella"
FILES = sorted(SOURCE.rglob("*.py"))
LINES, BODY = 500, 40

# (file, function): the reason why it may be longer.
LONGER: dict[tuple[str, str], str] = {}


def body_lines(function):
    """Lines of the body, without the docstring."""
    body = function.body
    if (
        isinstance(body[0], ast.Expr)
        and isinstance(body[0].value, ast.Constant)
        and isinstance(body[0].value.value, str)
    ):
        body = body[1:]
    return body[-1].end_lineno - body[0].lineno + 1 if body else 0


def functions(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(SOURCE)))
def test_size(path):
    name = str(path.relative_to(SOURCE))
    assert len(path.read_text().splitlines()) <= LINES, f"{name} is longer than {LINES} lines"
    for function in functions(path):
        if (name, function.name) not in LONGER:
            lines = body_lines(function)
            assert lines <= BODY, f"{name}: {function.name}() has a body of {lines} lines"


def test_exceptions_are_still_needed():
    for (name, function_name), reason in LONGER.items():
        assert reason
        assert any(f.name == function_name and body_lines(f) > BODY for f in functions(SOURCE / name)), (
            name,
            function_name,
        )


def test_the_call_of_a_layer_stays_readable():
    call = next(f for f in functions(SOURCE / "layers" / "layer.py") if f.name == "__call__")
    assert body_lines(call) <= 25


def test_no_grab_bags():
    for path in SOURCE.rglob("*"):
        assert path.stem not in ("helpers", "base", "manager", "misc", "common"), path
