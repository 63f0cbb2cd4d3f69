"""The import table of ARCHITECTURE.md holds: rooms import only rooms above them, by the door."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "lamella"
TABLE = (ROOT / "ARCHITECTURE.md").read_text().split("<!-- import-table -->")[1].split("<!-- /import-table -->")[0]
ROOMS = re.findall(r"^\| `(\w+)` \|", TABLE, re.MULTILINE)

# Methods of Model (and what Keras's names demand) that reach forward, inside a function.
LATE = {
    ("callbacks/orbax.py", "saving"),
    ("config.py", "dtype_policies"),
    ("layers/layer.py", "anatomy"),
    ("models/files.py", "saving"),
    ("models/model.py", "anatomy"),
    ("models/model.py", "saving"),
    ("state/variable.py", "initializers"),
}
# A private file that is entered past the door: the public core of `layers`, named so by its files.
OPEN = {"layers.layer", "layers.input_spec", "callbacks.progress", "optimizers.schedules", "train.feed"}


def room_of(path):
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def imports(path):
    """(module, whether inside of a function) for every import of lamella."""
    tree = ast.parse(path.read_text())
    late = {id(n) for f in ast.walk(tree) if isinstance(f, (ast.FunctionDef, ast.Lambda)) for n in ast.walk(f)}
    typing = {
        id(n)
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and "TYPE_CHECKING" in ast.dump(block.test)
        for n in ast.walk(block)
    }
    for node in ast.walk(tree):
        if id(node) in typing:
            continue
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "lamella":
            if node.module == "lamella":
                for alias in node.names:
                    yield f"lamella.{alias.name}", id(node) in late
            else:
                yield node.module, id(node) in late
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] == "lamella" and "." in alias.name:
                    yield alias.name, id(node) in late


FILES = sorted(p for p in SOURCE.rglob("*.py") if p != SOURCE / "__init__.py")


def test_every_room_is_in_the_table():
    assert {room_of(path) for path in FILES} == set(ROOMS)


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(SOURCE)))
def test_imports_go_up_the_table(path):
    here = room_of(path)
    for module, late in imports(path):
        room, *inner = module.split(".")[1:]
        if room == here or room == "__version__":
            continue
        name = f"{path.relative_to(SOURCE)}"
        if (name, room) in LATE:
            assert late, f"{name} imports {module} at its top"
            continue
        assert room in ROOMS, f"{name} imports {module}, which is no room"
        assert ROOMS.index(room) < ROOMS.index(here), (
            f"{name} ({here}) imports {module}, which is below it in the table"
        )
        assert not inner or f"{room}.{inner[0]}" in OPEN, f"{name} enters {module} past the door"


def test_real_keras_is_never_imported():
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                assert not any(alias.name.split(".")[0] in ("keras", "tf_keras") for alias in node.names), path
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                assert (node.module or "").split(".")[0] not in ("keras", "tf_keras"), path
