"""What a page of the report must be, without a browser: self-contained, scriptless, told in words, its links leading somewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:"
NEVER = {"script", "iframe", "object", "embed", "form", "link", "base", "audio", "video"}
PLACE = re.compile(r"/(?:home|root|Users|tmp|work)/\w|file://|\b0x[0-9a-f]{6,}\b")


class Page(HTMLParser):
    """Collects what the checks need."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.path = path
        self.source = path.read_text("utf-8")
        self.feed(self.source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep every tag with its attributes."""
        self.tags.append((tag, dict(attrs)))

    def faults(self) -> Iterator[str]:
        """Give, in words, everything that is wrong with the page."""
        yield from self._outside()
        yield from self._figures()
        yield from self._links()
        ids = [attrs["id"] for _, attrs in self.tags if attrs.get("id")]
        yield from (f"the id {i} stands twice" for i in sorted({i for i in ids if i and ids.count(i) > 1}))
        if PLACE.search(re.sub(r"base64,[^)]*", "", self.source)):
            yield "a path or an address of a machine"
        if len([1 for tag, _ in self.tags if tag == "h1"]) != 1:
            yield "not one h1"

    def _outside(self) -> Iterator[str]:
        if not any(attrs.get("content") == POLICY for tag, attrs in self.tags if tag == "meta"):
            yield "no content policy"
        for tag, attrs in self.tags:
            if tag in NEVER:
                yield f"a {tag}"
            yield from (f"{tag} has {name}" for name in attrs if name.startswith("on"))
            for name in ("src", "srcset", "data", "action"):
                if attrs.get(name) and not str(attrs[name]).startswith("data:"):
                    yield f"{tag} asks for {attrs[name]}"
        if re.search(r"@import|url\((?!['\"]?(?:data:|#))", self.source):
            yield "a style asks for something outside"

    def _figures(self) -> Iterator[str]:
        for tag, attrs in self.tags:
            if tag == "svg" and attrs.get("role") == "img" and not re.search(r"\w", str(attrs.get("aria-label") or "")):
                yield "a figure without words"

    def _links(self) -> Iterator[str]:
        for tag, attrs in self.tags:
            target = str(attrs.get("href") or "")
            if tag != "a" or target.startswith("#"):
                continue
            if re.match(r"[a-z]+:|//", target):
                yield f"a link out: {target}"
            elif not (self.path.parent / target.partition("#")[0]).is_file():
                yield f"a link to nowhere: {target}"
