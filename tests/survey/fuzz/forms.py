"""Tables as bytes: CSV, XLSX, Parquet, SPSS and Stata, byte for byte the same in every run."""

from __future__ import annotations

import csv
import io
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal
from xml.sax.saxutils import escape

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pyreadstat


def csv_bytes(
    table: Sequence[Sequence[str]],
    encoding: str,
    delimiter: str = ",",
    end: str = "\n",
    quoting: Literal[0, 1] = csv.QUOTE_MINIMAL,
) -> bytes:
    """Rows as CSV."""
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=delimiter, lineterminator=end, quoting=quoting).writerows(table)
    return out.getvalue().encode(encoding, "replace")


_XMLNS = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
_REL = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PARTS = {
    "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/xml"/></Types>',
    "_rels/.rels": '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    f'<Relationship Id="rId1" Type="{_REL}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
    "xl/workbook.xml": f'<workbook {_XMLNS} xmlns:r="{_REL}"><sheets><sheet name="S1" sheetId="1" r:id="rId1"/></sheets>'
    "</workbook>",
    "xl/_rels/workbook.xml.rels": '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    f'<Relationship Id="rId1" Type="{_REL}/worksheet" Target="worksheets/sheet1.xml"/>'
    f'<Relationship Id="rId2" Type="{_REL}/sharedStrings" Target="sharedStrings.xml"/></Relationships>',
}


def xlsx_bytes(table: Sequence[Sequence[str]]) -> bytes:
    """Rows as a workbook of one sheet; whole numbers without leading noughts as numbers, all else as shared strings."""
    texts: dict[str, int] = {}
    lines = []
    for r, row in enumerate(table, 1):
        cells = [_cell(f"{_letters(c)}{r}", text, texts) for c, text in enumerate(row) if text != ""]
        lines.append(f'<row r="{r}">{"".join(cells)}</row>')
    strings = "".join(f'<si><t xml:space="preserve">{_safe(text)}</t></si>' for text in texts)
    return zipped(
        _PARTS
        | {
            "xl/worksheets/sheet1.xml": f"<worksheet {_XMLNS}><sheetData>{''.join(lines)}</sheetData></worksheet>",
            "xl/sharedStrings.xml": f"<sst {_XMLNS}>{strings}</sst>",
        }
    )


def _cell(place: str, text: str, texts: dict[str, int]) -> str:
    if text.isascii() and text.isdigit() and len(text) < 16 and str(int(text)) == text:
        return f'<c r="{place}" t="n"><v>{text}</v></c>'
    return f'<c r="{place}" t="s"><v>{texts.setdefault(text, len(texts))}</v></c>'


def _letters(column: int) -> str:
    return (chr(64 + column // 26) if column >= 26 else "") + chr(65 + column % 26)


def _safe(text: str) -> str:
    """XML has no way to write most control characters."""
    return escape("".join(c if c in "\t\n" or c >= " " else "?" for c in text), {"\ufffe": "?", "\uffff": "?"})


def zipped(parts: Mapping[str, str | bytes]) -> bytes:
    """Parts as a ZIP archive."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in parts.items():
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def parquet_bytes(table: Sequence[Sequence[str]], *, checked: bool = False) -> bytes:
    """Rows as a Parquet file; `checked` gives its pages checksums."""
    header, *body = table
    columns = [pa.array([row[n] if n < len(row) else None for row in body], pa.string()) for n in range(len(header))]
    out = io.BytesIO()
    pq.write_table(pa.table(columns, names=list(header)), out, write_page_checksum=checked)
    return out.getvalue()


def labelled_bytes(table: Sequence[Sequence[str]], form: str) -> bytes:
    """Columns of whole numbers as numbers, others as text; pyreadstat writes to files only."""
    header, *body = table
    frame = pd.DataFrame([(list(row) + [""] * len(header))[: len(header)] for row in body], columns=list(header))
    for name in frame:
        if frame[name].str.fullmatch(r"\d{1,4}").all():
            frame[name] = frame[name].astype("float64")
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / f"a.{form}"
        if form == "sav":
            pyreadstat.write_sav(frame, place)
        else:
            pyreadstat.write_dta(frame, place, version=15)
        return place.read_bytes()
