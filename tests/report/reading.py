"""Parsing of HTML pages into elements and text."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path

EMPTY = {"meta", "img", "br", "link", "input", "hr"}


@dataclass
class Page:
    """Parsed page: elements in order, text outside style and script elements, and cells of all table rows."""

    source: str
    elements: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    words: str = ""
    inside: dict[str, str] = field(default_factory=dict)
    """Text of the style and script elements."""
    rows: list[list[str]] = field(default_factory=list)
    unclosed: list[str] = field(default_factory=list)

    def values(self, name: str) -> list[str]:
        """Return all values of an attribute."""
        return [attributes[name] for _, attributes in self.elements if name in attributes]

    def all(self, tag: str) -> list[dict[str, str]]:
        """Return the attributes of all elements with a tag."""
        return [attributes for kind, attributes in self.elements if kind == tag]


class _Reader(HTMLParser):
    def __init__(self, source: str) -> None:
        super().__init__()
        self.page = Page(source)
        self.open: list[str] = []
        self.feed(source)
        self.close()
        self.page.unclosed = self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.page.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag == "tr":
            self.page.rows.append([])
        if tag in ("td", "th"):
            self.page.rows[-1].append("")
        if tag not in EMPTY:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.page.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> closes another element"

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in ("style", "script"):
            self.page.inside[self.open[-1]] = self.page.inside.get(self.open[-1], "") + data
            return
        self.page.words += data
        if {"td", "th"} & set(self.open):
            self.page.rows[-1][-1] = f"{self.page.rows[-1][-1]} {data.strip()}".strip()


def read_page(path: Path) -> Page:
    """Parse a page, and fail if an element is closed in the wrong order."""
    return _Reader(path.read_text(encoding="utf-8")).page


def content(uri: str, kind: str) -> bytes:
    """Return the content of a data URI, which must be of ``kind``."""
    head, _, body = uri.partition(",")
    assert head == f"data:{kind};base64"
    return base64.b64decode(body, validate=True)
