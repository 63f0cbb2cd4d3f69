"""Patterns of names, as Keras's configs hold them: matched without Python's `re`, in time linear in the text.

Understood are texts, `.`, classes `[a-z_]`, `\\d \\w \\s`, groups, `|`, `* + ? {2,5}`, `^`, `$`, with their meaning in
`re`.  What else there is (look-around, back-references) goes to `re`, but not from a file: there it is refused.

Source: Thompson 1968, "Regular expression search algorithm"; Cox 2007, https://swtch.com/~rsc/regexp/regexp1.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any

from lamella.errors import ConfigError

MAX_PATTERN = 200  # characters of one pattern in a file
MAX_STEPS = 2000  # of all patterns of one object in a file
_SPECIAL = frozenset("\\.^$*+?{}[]()|")
_HOLDERS = {"DTypePolicyMap": "policy_map", "Muon": "exclude_layers", "OptimizerMap": "optimizer_map"}
"""Classes of lamella that match names with patterns, and the argument that has them."""

Test = Callable[[str], bool]
_CLASSES: dict[str, Test] = {
    "d": str.isdecimal,
    "w": lambda char: char.isalnum() or char == "_",
    "s": str.isspace,
}
_COUNTS: dict[str, tuple[int, int | None]] = {"*": (0, None), "+": (1, None), "?": (0, 1)}
_BRACES = re.compile(r"\{(?!\})(\d*)(,?)(\d*)\}")
_CONTROLS = {"n": "\n", "t": "\t", "r": "\r", "f": "\f", "v": "\v"}


def matches(pattern: str, text: str, whole: bool = False) -> bool:
    """Whether a pattern is found in a text, or fits the whole of it.

    Example: >>> from lamella.registry import matches
             >>> matches("b.*s", "dense/bias"), matches("b.*s", "dense/bias", whole=True)
             (True, False)
    """
    if not _SPECIAL & set(pattern):
        return pattern == text if whole else pattern in text
    try:
        program = _compiled(pattern)
    except _UnknownError:
        return bool((re.fullmatch if whole else re.search)(pattern, text))
    return program.runs(text, whole)


def check_patterns(cls: type, config: Mapping[str, Any]) -> None:
    """Looks at the patterns in the config of an object.

    Raises: ConfigError: one that only `re` understands, or they are too many.
    """
    steps = 0
    for holder, key in _HOLDERS.items():
        is_one = key in config and any(base.__name__ == holder for base in cls.__mro__)
        for pattern in (config[key] or ()) if is_one else ():
            steps += _steps(pattern)
            if steps > MAX_STEPS:
                raise ConfigError(f"The regular expressions in {key!r} are too many, or too long.")


def _steps(pattern: Any) -> int:
    try:
        if isinstance(pattern, str) and len(pattern) <= MAX_PATTERN:
            return len(_compiled(pattern).steps) if _SPECIAL & set(pattern) else 0
    except _UnknownError:
        pass
    raise ConfigError(
        "A regular expression from a file is not run.",
        expected="a pattern of texts, . [] () | * + ? {2,5} ^ $ \\d \\w \\s",
        received=repr(pattern)[:100],
        fix="write a simpler pattern; or, if you trust whoever wrote this, pass safe_mode=False",
    )


class _UnknownError(ValueError):
    """A pattern that only `re` understands."""


class _Program:
    """Steps to be at: characters to read, forks, places to check, and the end.

    steps: (kind, what, where to go on): ("read", test, [next]), ("fork", None, [next …]), ("at", check, [next]), or
        ("end", None, []).
    """

    def __init__(self, pattern: str):
        self.steps: list[tuple[str, Any, list[int]]] = []
        self._pattern, self._place = pattern, 0
        last = self._choices([self._fork()])
        if self._place < len(pattern):
            raise _UnknownError(pattern)
        self._step("end", None, last)

    # Running

    def runs(self, text: str, whole: bool) -> bool:
        """Whether it comes to the end in a text (of the whole text, if it must)."""
        at: set[int] = set()
        for place in range(len(text) + 1):
            at = self._open({*at, 0} if place == 0 or not whole else at, text, place)
            if any(self.steps[one][0] == "end" for one in at) and (not whole or place == len(text)):
                return True
            if place < len(text):
                read = [self.steps[one] for one in at]
                at = {go for kind, test, on in read if kind == "read" and test(text[place]) for go in on}
        return False

    def _open(self, at: set[int], text: str, place: int) -> set[int]:
        """Where one is without reading on."""
        found, waiting = set(at), [*at]
        while waiting:
            kind, check, on = self.steps[waiting.pop()]
            if kind == "fork" or (kind == "at" and check(text, place)):
                waiting += [go for go in on if go not in found]
                found.update(on)
        return found

    # Reading a pattern: each method takes the steps that lead here and returns those that lead on

    def _step(self, kind: str, what: Any, before: Iterable[int]) -> int:
        """Adds a step behind others."""
        if len(self.steps) > MAX_STEPS:
            raise _UnknownError(self._pattern)
        self.steps.append((kind, what, []))
        for one in before:
            self.steps[one][2].append(len(self.steps) - 1)
        return len(self.steps) - 1

    def _fork(self, before: Iterable[int] = ()) -> int:
        return self._step("fork", None, before)

    def _next(self, *texts: str) -> str:
        """The first of the texts that stands here, which is passed; "" if none does."""
        found = next((text for text in texts if self._pattern.startswith(text, self._place)), "")
        self._place += len(found)
        return found

    def _take(self) -> str:
        if self._place >= len(self._pattern):
            raise _UnknownError(self._pattern)
        self._place += 1
        return self._pattern[self._place - 1]

    def _choices(self, before: list[int]) -> list[int]:
        ends = self._sequence(before)
        while self._next("|"):
            ends = [*ends, *self._sequence(before)]
        return [self._fork(ends)]

    def _sequence(self, before: list[int]) -> list[int]:
        while self._place < len(self._pattern) and self._pattern[self._place] not in "|)":
            before = self._repeated(before)
        return before

    def _repeated(self, before: list[int]) -> list[int]:
        """One part, as often as what stands behind it says."""
        begin = self._place
        first = [self._fork(before)]
        last = self._part(first)
        end = self._place
        least, most = self._counts()
        after, self._place = self._place, end
        if (least, most) == (1, 1):
            self._place = after
            return last
        ends = first if least == 0 else []
        for number in range(2, max(least, most or least) + 1):
            if number > least:
                ends = [*ends, *last]
            self._place = begin
            first = [self._fork(last)]
            last = self._part(first)
        if most is None:  # round and round
            self.steps[self._fork(last)][2].append(first[0])
        self._place = after
        return [self._fork([*ends, *(last if most != 0 else [])])]

    def _counts(self) -> tuple[int, int | None]:
        """How often, at least and at most, the part before may stand."""
        least, most = _COUNTS[sign] if (sign := self._next(*_COUNTS)) else (1, 1)
        braces = None if sign else _BRACES.match(self._pattern, self._place)
        if braces:
            self._place = braces.end()
            least = int(braces[1] or 0)
            most = int(braces[3]) if braces[3] else None if braces[2] else least
        if (sign or braces) and (self._next("+", "*") or (not self._next("?") and self._next("{"))):
            raise _UnknownError(self._pattern)
        if most is not None and least > most:
            raise _UnknownError(self._pattern)
        return least, most

    def _part(self, before: list[int]) -> list[int]:
        char = self._take()
        if char == "(":
            return self._group(before)
        if char in "*+?":
            raise _UnknownError(self._pattern)
        if char in _PLACES:
            return [self._step("at", _PLACES[char], before)]
        test = (lambda c: c != "\n") if char == "." else self._set() if char == "[" else self._one(char)
        return [self._step("read", test, before)]

    def _group(self, before: list[int]) -> list[int]:
        if self._next("?") and not self._next(":"):
            raise _UnknownError(self._pattern)
        ends = self._choices(before)
        if self._take() != ")":
            raise _UnknownError(self._pattern)
        return ends

    def _one(self, char: str) -> Test:
        """Whether a character is this one, or of the class that `\\` names."""
        if char != "\\":
            return char.__eq__
        escaped = self._take()
        if escaped.lower() in _CLASSES:
            inside = _CLASSES[escaped.lower()]
            return inside if escaped.islower() else lambda c: not inside(c)
        if escaped.isascii() and escaped.isalnum() and escaped not in _CONTROLS:
            raise _UnknownError(self._pattern)
        return _CONTROLS.get(escaped, escaped).__eq__

    def _set(self) -> Test:
        negated, tests, begin = bool(self._next("^")), [], self._place
        while self._place == begin or not self._next("]"):
            char = self._take()
            test = self._one(char)
            if char == "[" or self._pattern.startswith(("--", "&&", "~~", "||"), self._place - 1):
                raise _UnknownError(self._pattern)  # as `re` warns: it may mean something else one day
            if self._next("-"):
                if char == "\\" or self._pattern.startswith("\\", self._place):
                    raise _UnknownError(self._pattern)
                test = self._range(char, test)
            tests.append(test)
        return lambda c: any(test(c) for test in tests) is not negated

    def _range(self, first: str, test: Test) -> Test:
        if self._pattern.startswith("]", self._place):
            return lambda c: test(c) or c == "-"
        last = self._take()
        if last < first:
            raise _UnknownError(self._pattern)
        return lambda c: first <= c <= last


_PLACES: dict[str, Callable[[str, int], bool]] = {
    "^": lambda text, place: place == 0,
    "$": lambda text, place: place == len(text) or (place == len(text) - 1 and text[-1] == "\n"),
}


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> _Program:
    return _Program(pattern)
