"""A plain Excel workbook, written part by part: the same cells give the same bytes, whatever the day.

Text goes into the shared strings, whole numbers into numeric cells, empty cells are left out - as office programs do it.
Format: ECMA-376, part 1, SpreadsheetML.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

Cell = str | int | None
Sheets = Sequence[tuple[str, Iterable[Sequence[Cell]]]]

_TIME = (2000, 1, 1, 0, 0, 0)
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_SCHEMAS = "http://schemas.openxmlformats.org/"
_MAIN = f'xmlns="{_SCHEMAS}spreadsheetml/2006/main"'
_LINK = f"{_SCHEMAS}officeDocument/2006/relationships"
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml."


def write_workbook(path: Path, sheets: Sheets) -> None:
    """Write sheets, each a name and rows of cells (text, whole number or None), to an ``.xlsx`` file."""
    strings: dict[str, int] = {}
    parts = {f"xl/worksheets/sheet{n}.xml": _sheet(rows, strings) for n, (_, rows) in enumerate(sheets, start=1)}
    names = [name for name, _ in sheets]
    parts |= {"xl/sharedStrings.xml": _strings(strings), "xl/workbook.xml": _workbook(names)}
    parts |= {"xl/_rels/workbook.xml.rels": _links_of_book(len(names)), "_rels/.rels": _links()}
    parts["[Content_Types].xml"] = _types(len(names))
    with zipfile.ZipFile(path, "w") as archive:
        for name in sorted(parts):
            archive.writestr(zipfile.ZipInfo(name, _TIME), _HEAD + parts[name], zipfile.ZIP_DEFLATED, 6)


def column_name(number: int) -> str:
    """Letters of a column, counted from 0.

    Examples
    --------
    >>> column_name(0), column_name(25), column_name(26)
    ('A', 'Z', 'AA')
    """
    return (column_name(number // 26 - 1) if number >= 26 else "") + chr(65 + number % 26)


def _sheet(rows: Iterable[Sequence[Cell]], strings: dict[str, int]) -> str:
    lines = "".join(
        f'<row r="{number}">{"".join(_cells(number, row, strings))}</row>' for number, row in _counted(rows)
    )
    return f"<worksheet {_MAIN}><sheetData>{lines}</sheetData></worksheet>"


def _counted(rows: Iterable[Sequence[Cell]]) -> Iterator[tuple[int, list[tuple[str, Cell]]]]:
    letters: list[str] = []
    for number, row in enumerate(rows, start=1):
        letters += [column_name(place) for place in range(len(letters), len(row))]
        yield number, list(zip(letters, row, strict=False))


def _cells(number: int, row: list[tuple[str, Cell]], strings: dict[str, int]) -> Iterator[str]:
    for letters, cell in row:
        if isinstance(cell, str):
            yield f'<c r="{letters}{number}" t="s"><v>{strings.setdefault(cell, len(strings))}</v></c>'
        elif cell is not None:
            yield f'<c r="{letters}{number}"><v>{cell}</v></c>'


def _strings(strings: dict[str, int]) -> str:
    return f"<sst {_MAIN}>{''.join(f'<si><t>{escape(text)}</t></si>' for text in strings)}</sst>"


def _workbook(names: Sequence[str]) -> str:
    sheets = (f'<sheet name={quoteattr(name)} sheetId="{n}" r:id="rId{n}"/>' for n, name in enumerate(names, start=1))
    return f'<workbook {_MAIN} xmlns:r="{_LINK}"><sheets>{"".join(sheets)}</sheets></workbook>'


def _links_of_book(count: int) -> str:
    targets = [("worksheet", f"worksheets/sheet{n}.xml") for n in range(1, count + 1)]
    return _relations([*targets, ("sharedStrings", "sharedStrings.xml")])


def _links() -> str:
    return _relations([("officeDocument", "xl/workbook.xml")])


def _relations(targets: Sequence[tuple[str, str]]) -> str:
    links = "".join(
        f'<Relationship Id="rId{n}" Type="{_LINK}/{kind}" Target="{target}"/>'
        for n, (kind, target) in enumerate(targets, start=1)
    )
    return f'<Relationships xmlns="{_SCHEMAS}package/2006/relationships">{links}</Relationships>'


def _types(count: int) -> str:
    parts = [("/xl/workbook.xml", "sheet.main+xml"), ("/xl/sharedStrings.xml", "sharedStrings+xml")]
    parts += [(f"/xl/worksheets/sheet{n}.xml", "worksheet+xml") for n in range(1, count + 1)]
    listed = "".join(f'<Override PartName="{name}" ContentType="{_TYPE}{kind}"/>' for name, kind in parts)
    package = "application/vnd.openxmlformats-package.relationships+xml"
    head = (
        f'<Default Extension="rels" ContentType="{package}"/><Default Extension="xml" ContentType="application/xml"/>'
    )
    return f'<Types xmlns="{_SCHEMAS}package/2006/content-types">{head}{listed}</Types>'
