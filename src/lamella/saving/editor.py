"""KerasFileEditor: looks into a weights file, changes it, writes it anew."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from lamella.errors import ArgumentError, UnknownNameError, unknown
from lamella.saving.atomic import atomic_write
from lamella.saving.gate import Entries, parse_json
from lamella.saving.hdf5 import Reader, Writer
from lamella.saving.keras_file import CONFIG, METADATA, WEIGHTS
from lamella.saving.layout import visit

_WEIGHTS = ".weights.h5"
_VARS = "vars"


class KerasFileEditor:
    """The weights in a `.keras` or `.weights.h5` file as dicts of dicts, to be looked at, changed and written.

    An object (a layer) is named by its path, `layers/dense_2`, or by the last part of it where that is unique.

    Args:    filepath: the file to read; it is never changed, `save` writes another.
    State:   weights_dict {object: {object: …, weight: array}}; object_metadata {path: {"name": name of the layer}};
             config and metadata, of a `.keras` file; console, where all is printed.
    Raises:  ArgumentError: another ending.  FileError: it is damaged, or no such file.
    Example: >>> Sequential([Input((3,)), Dense(2)]).save_weights("old.weights.h5")
             >>> editor = keras.saving.KerasFileEditor("old.weights.h5")
             Keras model file 'old.weights.h5'
             >>> editor.rename_object("dense", "dense_1"); editor.save("new.weights.h5")
    """

    def __init__(self, filepath: Any):
        from rich.console import Console

        self.filepath = str(filepath)
        self.metadata: Any = None
        self.config: Any = None
        self.model: Any = None
        self.console = Console(highlight=False)
        with self._reader() as reader:
            self.weights_dict, self.object_metadata = _tree(reader)
        self._say(f"Keras model file {_shown(self.filepath)}")
        if isinstance(self.metadata, dict):
            saved = [_shown(self.metadata.get(key)) for key in ("keras_version", "date_saved")]
            self._say(f"Saved with Keras {saved[0]} - date: {saved[1]}")

    def _reader(self) -> Reader:
        if self.filepath.endswith(_WEIGHTS):
            return Reader(self.filepath)
        if not self.filepath.endswith(".keras"):
            raise ArgumentError("A .keras or .weights.h5 file can be edited.", received=self.filepath)
        with Entries(self.filepath) as entries:
            self.config, self.metadata = (parse_json(entries.read(name)) for name in (CONFIG, METADATA))
            return Reader(self.filepath, entries.read(WEIGHTS), WEIGHTS)

    def _say(self, text: str, style: str | None = None) -> None:
        self.console.print(text, style=style, markup=False, soft_wrap=True)

    # Looking

    def summary(self) -> None:
        """Prints the objects of the file, with the shapes of their weights."""
        self._say("Weights structure")
        for line in self._lines(self.weights_dict, "", ""):
            self._say(line)

    def _lines(self, objects: Mapping[str, Any], above: str, indent: str) -> Iterator[str]:
        for count, (name, value) in enumerate(objects.items(), 1):
            is_last = count == len(objects)
            line, path = f"{indent}{'└─' if is_last else '├─'} {_shown(name, quoted=False)}", f"{above}/{name}"
            if not isinstance(value, Mapping):
                yield f"{line}: shape={np.shape(value)}, dtype={np.asarray(value).dtype}"
                continue
            own = self.object_metadata.get(path, {}).get("name")
            yield line if own is None else f"{line} ({_shown(own)})"
            yield from self._lines(value, path, indent + ("   " if is_last else "│  "))

    def compare(self, reference_model: Any) -> dict[str, Any]:
        """Prints where the file and a model differ.

        Returns: {"status": "success" or "error", "error_count": differences, "match_count": weights that fit}
        """
        self._say("Running comparison")
        expected = _spec(reference_model)
        found = [(path, np.shape(here), there.shape) for path, there, here in _common(expected, self.weights_dict)]
        errors = [f"{path}: {here} in the file, {there} in the model" for path, here, there in found if here != there]
        count = len(found) - len(errors)
        errors += [f"{path}: missing from the file" for path in _missing(expected, self.weights_dict)]
        errors += [f"{path}: missing from the model" for path in _missing(self.weights_dict, expected)]
        for error in errors:
            self._say(f"...{error}", "red")
        fits = f"The file fits the model: {count} weights"
        self._say(f"The file does not fit the model: {len(errors)} differences" if errors else fits, "bold")
        return {"status": "error" if errors else "success", "error_count": len(errors), "match_count": count}

    # Changing

    def rename_object(self, object_name: str, new_name: str) -> None:
        """Gives an object another name, in the same place.

        Raises: UnknownNameError: there is no such object.  ArgumentError: the name stands twice, or the new is a path.
        """
        if "/" in new_name:
            raise ArgumentError("The new name is a name, not a path.", received=new_name)

        def rename(above: dict[str, Any], name: str) -> None:
            above[new_name] = above.pop(name)

        self._edit(object_name, rename)

    def delete_object(self, object_name: str) -> None:
        """Removes an object, with all that is inside of it."""
        self._edit(object_name, lambda above, name: above.pop(name))

    def add_object(self, object_path: str, weights: dict[str, Any]) -> None:
        """Adds an object.

        Args: object_path: the whole path; what is above must be there.
              weights: {name ("0", "1", …): array}.
        """
        *above, name = object_path.split("/")
        self._inside(above, object_path)[name] = dict(_checked(weights))

    def delete_weight(self, object_name: str, weight_name: str) -> None:
        """Removes a weight of an object."""

        def delete(above: dict[str, Any], name: str) -> None:
            if weight_name not in above[name]:
                raise unknown(f"weight of {object_name!r}", weight_name, above[name])
            above[name].pop(weight_name)

        self._edit(object_name, delete)

    def add_weights(self, object_name: str, weights: dict[str, Any]) -> None:
        """Adds weights to an object, or replaces those of the same names."""
        self._edit(object_name, lambda above, name: above[name].update(_checked(weights)))

    def _edit(self, path: str, change: Callable[[dict[str, Any], str], Any]) -> None:
        """Applies a change to (the dict around an object, its name)."""
        if "/" in path:
            *above, name = path.strip("/").split("/")
            place = self._inside(above, path)
            if name not in place:
                raise unknown("object in the file", path, _objects(self.weights_dict))
            return change(place, name)
        places = [at for at in _objects(self.weights_dict) if at.rpartition("/")[2] == path]
        if len(places) > 1:
            raise ArgumentError(f"{path!r} stands more than once in the file.", received=places, fix="give a path")
        if not places:
            raise unknown("object in the file", path, _objects(self.weights_dict))
        change(self._inside(places[0].split("/")[:-1], path), path)

    def _inside(self, names: list[str], path: str) -> dict[str, Any]:
        place = self.weights_dict
        for name in names:
            if not isinstance(place.get(name), dict):
                raise UnknownNameError(f"There is no {'/'.join(names)!r} in the file, as in {path!r}.")
            place = place[name]
        return place

    # Writing

    def save(self, filepath: Any) -> None:
        """Writes the weights as they are now.

        Raises: ArgumentError: the name does not end in .weights.h5.  FileError: the disk says no.
        """
        path = str(filepath)
        if not path.endswith(_WEIGHTS):
            raise ArgumentError("Edited weights are written into a .weights.h5 file.", received=path)
        writer = Writer()
        self._write(writer, self.weights_dict, "")
        with atomic_write(path) as file:
            file.write(writer.bytes())

    def resave_weights(self, filepath: Any) -> None:
        """The same as `save`."""
        self.save(filepath)

    def _write(self, writer: Writer, objects: Mapping[str, Any], path: str) -> None:
        for name, value in objects.items():
            inside = f"{path}/{name}".lstrip("/")
            if isinstance(value, Mapping):
                self._write(writer, value, inside)
            else:
                writer.put(f"{path}/{_VARS}/{name}".lstrip("/"), value)
        texts = self.object_metadata.get(f"/{path}")
        if texts and objects:
            writer.texts(f"{path}/{_VARS}", texts)


def _tree(reader: Reader) -> tuple[dict[str, Any], dict[str, dict[str, str]]]:
    """The arrays of a file as dicts of dicts without `vars`, and the names of objects by path."""
    tree: dict[str, Any] = {}
    names: dict[str, dict[str, str]] = {}
    for path in reader.arrays():
        *above, weight = path.split("/")
        group = "/".join(above)
        above = above[:-1] if above[-1:] == [_VARS] else above
        place = tree
        for name in above:
            place = place.setdefault(name, {})
        place[weight] = reader.array(path)
        if (own := reader.text(group, "name")) is not None:
            names[f"/{'/'.join(above)}"] = {"name": own}
    return tree, names


def _spec(model: Any) -> dict[str, Any]:
    """What `_tree` would give for a file of a model."""
    tree: dict[str, Any] = {}

    def enter(part: Any, path: str) -> bool:
        store: dict[str, Any] = {}
        if hasattr(part, "save_own_variables"):
            part.save_own_variables(store)
        place = tree
        for name in path.split("/") if path and store else ():
            place = place.setdefault(name, {})
        place.update({key: np.asarray(getattr(value, "raw", value)) for key, value in store.items()})
        return True

    visit(model, "", enter, {})
    return tree


def _objects(tree: Mapping[str, Any], above: str = "") -> Iterator[str]:
    """The paths of all objects."""
    for name, value in tree.items():
        if isinstance(value, Mapping):
            yield f"{above}{name}"
            yield from _objects(value, f"{above}{name}/")


def _common(tree: Mapping[str, Any], other: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Yields (path, weight, weight) for the weights that two trees have."""
    for name in tree.keys() & other.keys():
        one, two = tree[name], other[name]
        if isinstance(one, Mapping) and isinstance(two, Mapping):
            yield from _common(one, two, f"{above}{name}/")
        elif not isinstance(one, Mapping) and not isinstance(two, Mapping):
            yield f"{above}{name}", one, two


def _missing(tree: Mapping[str, Any], other: Mapping[str, Any], above: str = "") -> Iterator[str]:
    """The paths of the outermost objects, and of the weights, that the other tree lacks."""
    for name, value in tree.items():
        two = other.get(name)
        if name not in other or isinstance(value, Mapping) != isinstance(two, Mapping):
            yield f"{above}{name}"
        elif isinstance(value, Mapping) and isinstance(two, Mapping):
            yield from _missing(value, two, f"{above}{name}/")


def _checked(weights: Any) -> dict[str, Any]:
    if not isinstance(weights, dict) or not all(isinstance(name, str) and "/" not in name for name in weights):
        raise ArgumentError("Weights are a dict of arrays by name.", received=type(weights).__name__)
    return {name: value if isinstance(value, dict) else np.asarray(value) for name, value in weights.items()}


def _shown(text: Any, quoted: bool = True) -> str:
    """A text out of a file, so that it does nothing to a terminal."""
    plain = "".join(letter if letter.isprintable() else "?" for letter in str(text)[:200])
    return f"'{plain}'" if quoted else plain
