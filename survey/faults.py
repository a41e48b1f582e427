"""What is wrong with a folder or a file, said in English and Chinese, with its place and never with a person's value."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One fault: where it stands and what to do about it.

    It is one line of printable signs: a name from a file cannot steer a terminal, turn a line round or begin another one.

    Attributes
    ----------
    file : str
        Name relative to the study's folder.
    line : int
        Line or row in that file, from 1; 0 where the whole file is meant.
    en, zh : str
        What was seen, what was expected, what to do.
    """

    file: str
    line: int
    en: str
    zh: str

    def __post_init__(self) -> None:
        for part in ("file", "en", "zh"):
            object.__setattr__(self, part, printable(getattr(self, part)))

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}\n    {self.en}\n    {self.zh}"


def printable(text: str) -> str:
    """Write a text with a sign of its own for each that cannot be seen."""
    if text.isprintable():
        return text
    return "".join(sign if sign.isprintable() or sign in "\u3000\xa0" else "\ufffd" for sign in text)


class Refused(ValueError):
    """Bad input, refused with all its faults at once; nothing was stored."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(sorted(set(faults)))
        super().__init__("\n".join(str(f) for f in self.faults))

    def __reduce__(self) -> tuple[type[Refused], tuple[tuple[Fault, ...]]]:
        return type(self), (self.faults,)


def refuse_if(faults: Iterable[Fault]) -> None:
    """Raise `Refused` where there is at least one fault."""
    found = tuple(faults)
    if found:
        raise Refused(found)
