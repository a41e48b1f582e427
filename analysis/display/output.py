"""What a notebook's cell shows: the same thing once in each language, tagged, the same bytes in every run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from analysis.disclosure import MIME


@dataclass(frozen=True, slots=True)
class Output:
    """One thing to show, in both languages.

    Attributes
    ----------
    bundles : tuple of two mappings
        English, Chinese. Each holds ``MIME`` (the mark of disclosure: ``kind, language, name`` and, for tables,
        ``columns, rows``), ``text/html`` and ``text/plain``. Kind ``nothing``: the study has no data for it.
    """

    bundles: tuple[Mapping[str, Any], Mapping[str, Any]]

    def html(self, language: str) -> str:
        """Give the HTML in one language."""
        return str(self._in(language)["text/html"])

    def text(self, language: str) -> str:
        """Give the plain words in one language."""
        return str(self._in(language)["text/plain"])

    def mark(self, language: str) -> dict[str, Any]:
        """Give what stands under the mark of disclosure in one language."""
        return dict(self._in(language)[MIME])

    def _in(self, language: str) -> Mapping[str, Any]:
        return next(b for b in self.bundles if b[MIME]["language"] == language)

    def _ipython_display_(self) -> None:
        from IPython.display import publish_display_data

        for bundle in self.bundles:
            publish_display_data(data=dict(bundle))

    def __repr__(self) -> str:
        return self.text("en")


def bundle(kind: str, language: str, name: str, *, html: str, text: str, **more: Any) -> dict[str, Any]:
    """Make one language's data of an output; `more` goes under the mark."""
    mark = {"kind": kind, "language": language, "name": name, **more}
    return {MIME: mark, "text/html": html, "text/plain": text}
