"""Evidence: what a block is called, and by what in the graph it was recognised."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from lamella.anatomy.blocks import roles
from lamella.anatomy.blocks.region import Paths
from lamella.graph import Site

_CODE = "code in "


def stem(addresses: Iterable[str]) -> str:
    """What the addresses of a block begin with, up to a whole word.

    All of them; or most, where all have no more in common than where they are;
    or else the last one.

    Example: >>> stem(["base/block_1_expand", "base/block_1_add"]), stem(["block_2_a", "block_2_b", "add"])
             ('base/block_1', 'block_2')
    """
    listed = [address for address in addresses if not address.startswith(_CODE)]
    begins = Counter(begin for address in listed for begin in _beginnings(address))
    shared = max((begin for begin, times in begins.items() if times == len(listed)), key=len, default="")
    if shared and not any(address.startswith(f"{shared}/") for address in listed):
        return shared
    most = len(listed) * (3 / 4 if shared else 1 / 2)
    often = [begin for begin, times in begins.items() if times > most]
    return max(often, key=len, default=shared or (listed[-1] if listed else "code"))


def _beginnings(address: str) -> list[str]:
    return [address[: found.start()] for found in re.finditer(r"[_/]|$", address)]


class Words:
    """Says what was found in one model, with addresses."""

    def __init__(self, anatomy: Any, paths: Paths):
        self.paths = paths
        self._addresses = {part.site: part.address for part in anatomy.parts if part.site is not None}

    def address(self, number: int) -> str:
        """The address of a call; for a value that comes in, that of its `Input`."""
        if number < self.paths.first:
            return self._input(number)
        site = self.paths.site(number)
        if site in self._addresses:
            return self._addresses[site]
        around = self._addresses.get(site.parent) if site.parent is not None else None
        return _CODE + (around or self.paths.wiring.root.operation.name)  # type: ignore[union-attr]

    def _input(self, number: int) -> str:
        for site in self.paths.wiring.root.inner:
            if not site.inputs and any(v.enters == (self.paths.wiring.root, number) for v in site.outputs):
                return self._addresses.get(site, "the input")
        return "the input"

    def of(self, shape: Any) -> tuple[str, str]:
        """The label and the evidence of a block."""
        return _SAY[shape.kind](self, shape)

    # Pieces of sentences

    def _quoted(self, number: int) -> str:
        address = self.address(number)
        return address if address == "the input" else f"`{address}`"

    def _all(self, numbers: Iterable[int]) -> str:
        return _listed([self._quoted(number) for number in numbers])

    def _joined(self, shape: Any) -> str:
        """Which call joins what: "`add` adds `conv_3` to `pool`, from which it was computed"."""
        before = self.paths.before[shape.end]
        verb, link = _VERBS[roles.joins(self.paths.site(shape.end)) or "add"]
        said = f"{self._quoted(shape.end)} {verb} "
        if shape.identity:
            others = [n for n in before if n != shape.entry]
            computed = "it was computed" if len(others) == 1 else "they were computed"
            return f"{said}{self._all(others)} {link} {self._quoted(shape.entry)}, from which {computed}"
        every = "both" if len(before) == 2 else f"all {len(before)}"
        return f"{said}{self._all(before)}, {every} computed from {self._quoted(shape.entry)}"

    def _sites(self, numbers: Iterable[int]) -> list[Site]:
        return [self.paths.site(number) for number in numbers]

    def _layers(self, numbers: Iterable[int]) -> str:
        """The convolutions and dense layers among calls: "1 × 1 (64), 3 × 3 (64)"."""
        return ", ".join(filter(None, map(_described, self._sites(numbers))))

    def _holding(self, shape: Any) -> str:
        layers = self._layers(shape.main)
        return f"; between them: {layers}" if layers else ""

    # Kinds

    def residual(self, shape: Any) -> tuple[str, str]:
        shortcut, said = self._shortcut(shape)
        forms = [form for form in (self._form(shape), shortcut) if form]
        return f"residual block ({', '.join(forms)})", self._joined(shape) + said + self._holding(shape)

    def _shortcut(self, shape: Any) -> tuple[str, str]:
        if shape.identity:
            return "identity shortcut", ""
        layers = self._layers(shape.shortcut)
        if layers:
            return "projection shortcut", f"; the shorter path holds one layer with weights, {layers}: a projection"
        return "subsampled shortcut", f"; the shorter path, {self._all(shape.shortcut)}, has no convolution"

    def _form(self, shape: Any) -> str | None:
        """Bottleneck: 1 × 1, k × k, 1 × 1, narrow inside; basic: two windows."""
        windows = [site for site in self._sites(shape.body) if roles.is_convolution(site)]
        if len(windows) == 3 and roles.is_pointwise(windows[0]) and roles.is_pointwise(windows[-1]):
            narrow, wide = roles.channels_out(windows[1]) or 0, roles.channels_out(windows[-1]) or 0
            return "bottleneck" if narrow < wide else None
        return "basic" if len(windows) == 2 and all(max(roles.window(site)) > 1 for site in windows) else None

    def inverted(self, shape: Any) -> tuple[str, str]:
        widths = {"expanded": "expansion, ", "fused": "fused expansion, ", "unexpanded": "no expansion, "}[
            shape.variant
        ]
        added = roles.joins(self.paths.site(shape.end)) == "add"
        label = f"inverted residual block ({widths}{'added to its input' if added else 'not added to its input'})"
        convolutions = [n for n in (*shape.main, shape.end) if roles.is_convolution(self.paths.site(n))]
        wide = max(roles.channels_out(site) or 0 for site in self._sites(convolutions))
        narrow = roles.channels_out(self.paths.site(shape.end))
        inside = (
            f"{self._layers(convolutions)}: {wide} channels inside and {narrow} at its end, with no activation there"
        )
        if added:
            return label, f"{self._joined(shape)}; between them: {inside}"
        return (
            label,
            f"from {self._quoted(shape.entry)} to {self._quoted(shape.end)}: {inside}; recognised without an Add",
        )

    def dense(self, shape: Any) -> tuple[str, str]:
        layers = [n for n in shape.body if roles.joins(self.paths.site(n)) == "concatenate"]
        if not layers:
            return f"dense block ({self._new(shape)})", self._joined(shape) + self._holding(shape)
        said = (
            f"from {self._quoted(shape.entry)} on, {self._all([layers[0]])} to {self._quoted(shape.end)} concatenate "
        )
        said += "what came before with what was computed from it"
        return f"dense block ({len(layers) + 1} layers, {self._new(shape)})", said

    def dense_layer(self, shape: Any) -> tuple[str, str]:
        return f"layer of a dense block ({self._new(shape)})", self._joined(shape) + self._holding(shape)

    def _new(self, shape: Any) -> str:
        """How many channels a block adds to those it takes."""
        axis = roles.concatenation_axis(self.paths.site(shape.end))
        old, whole = self.paths.value(shape.entry).shape[axis], self.paths.value(shape.end).shape[axis]
        return f"{whole - old} new channels" if old and whole else "new channels"

    def squeeze_excite(self, shape: Any) -> tuple[str, str]:
        pool = next(n for n in shape.body if roles.pools_all(self.paths.site(n)))
        said = f"; on the way {self._quoted(pool)} takes one number of each channel, so it is a weight for each"
        return "squeeze-excite block", self._joined(shape) + said

    def inception(self, shape: Any) -> tuple[str, str]:
        ways = self.paths.branches(shape.entry, shape.end)
        layers = [self._layers(way) or "no convolution" for way in ways]
        said = "; ".join(f"({number}) {way}" for number, way in enumerate(layers, start=1))
        return f"inception block ({len(ways)} paths)", f"{self._joined(shape)}: {said}"

    def skip(self, shape: Any) -> tuple[str, str]:
        grown = [n for n in shape.body if roles.grows(self.paths.site(n))]
        why = f"{self._quoted(grown[-1])} makes it larger again" if grown else "other blocks lie between"
        return "skip connection", f"{self._joined(shape)}; {why}"

    def attention(self, shape: Any) -> tuple[str, str]:
        layers = [n for n in shape.body if roles.is_a(self.paths.site(n), roles.ATTENTION)]
        by = (
            f"{self._quoted(layers[0])} is on the way"
            if layers
            else "on the way are a product, a softmax and a product"
        )
        return f"attention block ({self._normalized(shape)})", f"{self._joined(shape)}; {by}"

    def feed_forward(self, shape: Any) -> tuple[str, str]:
        label = f"feed-forward block ({self._normalized(shape)})"
        return label, self._joined(shape) + self._holding(shape)

    def _normalized(self, shape: Any) -> str:
        first = roles.is_normalization(self.paths.site(shape.body[0]))
        last = any(map(roles.is_normalization, self._sites(shape.after)))
        return "normalised before" if first else "normalised after" if last else "not normalised"


_VERBS = {"add": ("adds", "to"), "concatenate": ("concatenates", "with"), "multiply": ("multiplies", "with")}
_SAY: dict[str, Callable[[Words, Any], tuple[str, str]]] = {
    "residual": Words.residual,
    "inverted residual": Words.inverted,
    "dense": Words.dense,
    "dense layer": Words.dense_layer,
    "squeeze-excite": Words.squeeze_excite,
    "inception": Words.inception,
    "skip": Words.skip,
    "attention": Words.attention,
    "feed-forward": Words.feed_forward,
}


def _described(site: Site) -> str | None:
    """A convolution or dense layer in short: "3 × 3 depthwise (96)"."""
    if roles.is_dense(site):
        return f"dense ({roles.channels_out(site)})"
    if not roles.is_convolution(site):
        return None
    kinds = ("transposed", roles.is_a(site, roles.TRANSPOSED)), ("depthwise", roles.is_depthwise(site))
    words = [" × ".join(map(str, roles.window(site))), *(word for word, holds in kinds if holds)]
    words += ["separable"] if type(site.operation).__name__.startswith("Separable") else []
    return f"{' '.join(words)} ({roles.channels_out(site)})"


def _listed(words: list[str]) -> str:
    return f"{', '.join(words[:-1])} and {words[-1]}" if len(words) > 1 else "".join(words)
