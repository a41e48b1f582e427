"""Letters as outlines, so that a figure looks the same where no Chinese font is installed.

Outlines come from the simplified Chinese face of Noto Sans CJK (its package ships the font), through matplotlib's
FreeType; signs that it lacks come from DejaVu Sans, which matplotlib ships. A letter is read once and kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import matplotlib
from matplotlib.ft2font import FT2Font, LoadFlags

EM = 1000
FACE = "NotoSansCJKsc-Regular"
# A sign that neither face has is shown as printers do: by the geta mark.
MISSING = "〓"

# In the Chinese face these signs are as wide as a Han character, which tears English words apart.
_NARROW = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"', "…": "..."})
_NO_LINE_BEGINS_WITH = "，。；：、）”！？"
_NO_LINE_ENDS_WITH = "（“"


@dataclass(frozen=True, slots=True)
class Glyph:
    """One letter.

    Attributes
    ----------
    outline : str
        SVG path data, 1000 units an em, y upwards; empty for a blank.
    advance : float
        How far the next letter stands, same unit.
    """

    outline: str
    advance: float


@lru_cache(maxsize=8192)
def glyph(sign: str) -> Glyph:
    """Read one letter from the first face that has it."""
    face = next((f for f in _faces() if f.get_char_index(ord(sign))), None)
    if face is None:
        return glyph(MISSING)
    read = face.load_char(ord(sign), flags=LoadFlags.NO_HINTING)
    return Glyph(_outline(face), round(read.linearHoriAdvance / 65536, 2))


def drawn(text: str, language: str) -> str:
    """Write a text as the figures' font draws it well: narrow quotation marks in English."""
    return text.translate(_NARROW) if language == "en" else text


def text_width(text: str, size: float) -> float:
    """Measure a text, in the unit of `size`."""
    return sum(glyph(sign).advance for sign in text) * size / EM


def wrap(text: str, width: float, size: float, *, lines: int = 2) -> list[str]:
    """Break a text into at most `lines` lines of a width, between words or Han characters; the rest becomes dots."""
    rows = [""]
    for piece in _pieces(text):
        full = text_width((rows[-1] + piece).rstrip(), size) > width
        if rows[-1] and full and len(rows) < lines:
            rows.append("")
        rows[-1] += piece if rows[-1] else piece.lstrip()
    rows = [row.rstrip() for row in rows]
    return [_fitted(row, width, size) for row in rows]


def _fitted(text: str, width: float, size: float) -> str:
    if text_width(text, size) <= width:
        return text
    while text and text_width(text + "...", size) > width:
        text = text[:-1]
    return text.rstrip() + "..."


def _pieces(text: str) -> list[str]:
    pieces: list[str] = []
    for sign in text:
        if pieces and not _breaks(pieces[-1][-1], sign):
            pieces[-1] += sign
        else:
            pieces.append(sign)
    return pieces


def _breaks(before: str, sign: str) -> bool:
    han = ord(before) >= 0x2E80 or ord(sign) >= 0x2E80
    allowed = sign not in _NO_LINE_BEGINS_WITH and before not in _NO_LINE_ENDS_WITH
    return (han and allowed and sign != " ") or (before == " " and sign != " ")


@lru_cache(maxsize=1)
def _faces() -> tuple[FT2Font, FT2Font]:
    from noto_cjk_sans_otc import FONT_PATH

    chinese = next(f for f in (FT2Font(str(FONT_PATH), face_index=i) for i in range(10)) if f.postscript_name == FACE)
    latin = FT2Font(str(Path(matplotlib.get_data_path(), "fonts", "ttf", "DejaVuSans.ttf")))
    for face in (chinese, latin):
        face.set_size(EM, 72)
    return chinese, latin


def _outline(face: FT2Font) -> str:
    points, codes = face.get_path()
    parts, at = [], 0
    while at < len(codes):
        letter, count = {1: ("M", 1), 2: ("L", 1), 3: ("Q", 2), 4: ("C", 3), 79: ("Z", 0)}[int(codes[at])]
        ends = points[at : at + count].ravel()
        parts.append(letter + " ".join(f"{round(float(v))}" for v in ends))
        at += max(count, 1)
    return "".join(parts)
