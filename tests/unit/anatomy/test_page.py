"""The summary as HTML: well formed, escaped, and one row for each layer."""

from html.parser import HTMLParser

import pytest

import lamella as keras
from lamella import layers
from lamella.anatomy import table

VOID = {"br"}


class Reader(HTMLParser):
    """Checks that every element is closed; collects tags and the texts of cells."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.cells, self.styles = [], [], [], []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        assert not any(name.startswith("on") or name in ("src", "href") for name, _ in attrs)
        if tag not in VOID:
            self.open.append(tag)
        if tag in ("td", "th"):
            self.cells.append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if {"td", "th"} & set(self.open):
            self.cells[-1] += data


def model(name="m", *names):
    x = inputs = layers.Input((4,), name="in")
    for one in names:
        x = layers.Dense(4, name=one)(x)
    return keras.Model(inputs, x, name=name)


@pytest.mark.parametrize(
    "name", ["<script>alert(1)<script>", "</td><b>", '"onclick="x', "&amp;", "[bold]x", "層_ディープ"]
)
def test_names_are_escaped(name):
    stems = name.replace("/", "")
    page = table(model(stems, stems), columns=["address", "connected"])._repr_html_()
    seen = Reader(page)
    assert f"{stems} (Dense)" in seen.cells and "script" not in seen.tags and "b" not in seen.tags


def test_one_row_for_each_layer_and_the_same_cells_as_the_text():
    found = table(model("m", "a", "b"), columns=["macs", "calls"], show_trainable=True)
    seen = Reader(found._repr_html_())
    assert seen.tags.count("tr") == 1 + 3
    assert seen.cells[:8] == ["Layer (type)", "MACs", "Calls", "Trainable", "in (InputLayer)", "0", "1", "-"]


def test_headings_and_levels():
    x = inputs = layers.Input((4,), name="in")
    for k in range(2):
        x = layers.Add(name=f"b{k}_add")([x, layers.Dense(4, name=f"b{k}_d")(layers.Dense(4, name=f"b{k}_c")(x))])
    page = table(keras.Model(inputs, x, name="m"), blocks=True)._repr_html_()
    assert page.count('<tr class="h">') == 1 and "padding-left:34px" in page and "×2" in page
    Reader(page)


def test_a_thousand_rows_are_small():
    found = table(model("m", *(f"layer_{k}" for k in range(1000))))
    page = found._repr_html_()
    assert Reader(page).tags.count("tr") == 1002 and len(page) < 300_000
    assert "http" not in page
