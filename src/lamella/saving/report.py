"""What became of each part of a file when weights were loaded."""

from __future__ import annotations

from dataclasses import dataclass, field

from lamella.errors import FileError, nearest

_SHOWN = 8
NOT_THERE = "it is not in the file"


@dataclass
class LoadReport:
    """Which parts of a model got their values from a file, and which did not.

    loaded:  entries of the file that were read, in order.
    skipped: {entry: why it was not read}.
    unused:  entries of the file that stand for nothing in the model.
    """

    loaded: list[str] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)
    unused: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        lines = [f"{len(self.loaded)} loaded, {len(self.skipped)} skipped, {len(self.unused)} unused"]
        lines += [f"  skipped {entry}: {' '.join(reason.split())}" for entry, reason in self.skipped.items()]
        return "\n".join([*lines, *(f"  unused  {entry}" for entry in self.unused)])

    def refusal(self, file: str) -> FileError:
        """The error for a file that does not fit: what was skipped, and the nearest entries of the file."""
        reasons = [f"{entry}: {' '.join(reason.split())}" for entry, reason in self.skipped.items()]
        shown = [*reasons[:_SHOWN], *([f"… and {len(reasons) - _SHOWN} more"] if len(reasons) > _SHOWN else [])]
        missing = next((entry for entry, reason in self.skipped.items() if reason.startswith(NOT_THERE)), None)
        near = f"; for {missing!r} in the file, {nearest(missing, self.unused)}" if missing and self.unused else ""
        return FileError(
            f"{file}: {len(reasons)} of {len(reasons) + len(self.loaded)} parts of the model could not be loaded.",
            received="\n            ".join(shown),
            fix=f"load into a model of the same architecture, or pass skip_mismatch=True{near}",
        )
