"""What every reader gives: the file as text, and what was seen of its form."""

from __future__ import annotations

from dataclasses import dataclass, field

import pandas as pd


@dataclass(frozen=True, slots=True)
class RawTable:
    """A file as text.

    Attributes
    ----------
    frame : DataFrame of str
        One row an answer; columns = headers, blanks around them dropped; index = row in the file (1 = first line).
    labels : dict
        Labels that the file itself brings: {column: {code: label}}; empty for plain files.
    platform : str
        Whose export it is.
    multiple : dict
        Multiple-response questions that the platform spreads over columns: {question: [columns]}.
    ragged : tuple of int
        Rows that are shorter than the header; they are not in the frame.
    form : dict
        What was seen: format, encoding, delimiter, sheet.
    """

    frame: pd.DataFrame
    platform: str
    labels: dict[str, dict[str, str]] = field(default_factory=dict)
    multiple: dict[str, list[str]] = field(default_factory=dict)
    ragged: tuple[int, ...] = ()
    form: dict[str, str] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"RawTable ({self.platform}): {len(self.frame)} rows, {self.frame.shape[1]} columns; {self.form}"
