"""The part of the Chinese font that a report needs, so that no heading is a box where no such font is installed."""

from __future__ import annotations

import base64
import io
from pathlib import Path

FACE = "Noto Sans CJK SC"


def face(text: str) -> str:
    """Give the CSS that embeds what a text needs of the font; empty where it has no CJK signs."""
    font = subset(text)
    source = f"url(data:font/woff2;base64,{font}) format('woff2')"
    return f"@font-face {{ font-family: 'Workbench Han'; src: {source}; font-display: block; }}" if font else ""


def subset(text: str) -> str:
    """Give the glyphs of a text's CJK signs as a WOFF2 file in base64; empty where the text has none.

    Parameters
    ----------
    text : str
        Everything that a page can show.

    Returns
    -------
    str
        Base64 of the file; the same text gives the same bytes.
    """
    signs = sorted({ord(sign) for sign in text if ord(sign) >= 0x2E80})
    if not signs:
        return ""
    from fontTools import subset as fonttools_subset
    from fontTools.ttLib import TTFont

    font = TTFont(_collection(), fontNumber=_face_number(), lazy=True, recalcTimestamp=False)
    options = fonttools_subset.Options(flavor="woff2", layout_features=[], hinting=False, desubroutinize=True)
    options.name_IDs, options.notdef_outline, options.recalc_timestamp = [], True, False
    options.drop_tables += ["GSUB", "GPOS", "vhea", "vmtx", "VORG", "BASE", "DSIG"]
    cutter = fonttools_subset.Subsetter(options)
    cutter.populate(unicodes=signs)
    cutter.subset(font)
    font.flavor = "woff2"
    file = io.BytesIO()
    font.save(file)
    return base64.b64encode(file.getvalue()).decode()


def there() -> bool:
    """Tell whether the font's file is on this machine."""
    try:
        return _collection().is_file()
    except ImportError:
        return False


def _collection() -> Path:
    import noto_cjk_sans_otc

    return Path(noto_cjk_sans_otc.__file__).with_name("NotoSansCJK-Regular.ttc")


def _face_number() -> int:
    from fontTools.ttLib import TTCollection

    with TTCollection(_collection(), lazy=True) as faces:
        names = [face["name"].getDebugName(1) for face in faces]
    return names.index(FACE)
