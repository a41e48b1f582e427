"""Workbooks built to do harm, by hand: each is refused in plain words, or read as if the harmful part were not there.

A case may take `books.SECONDS`; what could take more than MEMORY is read in a child that has no more.
"""

from __future__ import annotations

import io
import resource
import socket
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from survey import Refused, read_table
from survey.readers import package
from tests.survey.hostile.books import (
    BOOK,
    HEAD,
    LINKS,
    MAIN,
    READ,
    RELS,
    ROWS,
    SHARED,
    SHEET,
    STRINGS,
    STYLES,
    apart,
    cell,
    links,
    made,
    refused,
    sheet,
    strings,
    text_of,
    workbook,
)

BLANKS = " " * 40_000_000
BOMBS: dict[str, dict[str, str | bytes]] = {
    "in the sheet": {SHEET: sheet(f'{ROWS}<row r="3">{BLANKS}</row>')},
    "in the texts": {STRINGS: strings(f"<si><t>{BLANKS}</t></si>")},
    "in the styles": {STYLES: f"<styleSheet>{BLANKS}</styleSheet>"},
    "in a zip inside": {"xl/embeddings/a.zip": bytes(40_000_000)},
}


@pytest.mark.parametrize("name", BOMBS)
def test_what_is_packed_too_tightly_is_refused(tmp_path: Path, name: str) -> None:
    path = made(tmp_path / "a.xlsx", BOMBS[name])
    assert path.stat().st_size < 60_000
    assert "far larger than a table" in refused(path)


def test_an_archive_inside_an_archive_is_never_opened(tmp_path: Path) -> None:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", bytes(100_000_000))
    assert text_of(made(tmp_path / "a.xlsx", {"xl/embeddings/a.zip": inner.getvalue()})) == READ


def test_an_archive_of_a_million_names_is_refused_by_its_list(tmp_path: Path) -> None:
    data = bytearray(made(tmp_path / "a.xlsx", {}).read_bytes())
    end = data.rfind(b"PK\x05\x06")
    data[end + 12 : end + 16] = (90_000_000).to_bytes(4, "little")
    (tmp_path / "a.xlsx").write_bytes(data)
    assert "far larger than a table" in refused(tmp_path / "a.xlsx")


MORE = "".join(f"<!ENTITY {c} '{10 * ('&' + p + ';')}'>" for p, c in zip("abcdefghi", "bcdefghij", strict=True))
LAUGHS = f'<!DOCTYPE l [<!ENTITY a "ha">{MORE}]>'
LONG = f"<!DOCTYPE l [<!ENTITY j '{'x' * 50_000}'>]>"
OUTSIDE = '<!DOCTYPE l [<!ENTITY j SYSTEM "file:///etc/hostname">]>'
ENTITIES: dict[str, Callable[[str], dict[str, str | bytes]]] = {
    "sheet": lambda head: {SHEET: sheet(f'{HEAD}<row r="2">{cell("A2", "&j;")}</row>', head=head)},
    "texts": lambda head: {SHEET: sheet(SHARED), STRINGS: strings("<si><t>&j;</t></si>", head)},
    "workbook": lambda head: {BOOK: workbook("&j;", head)},
    "many in the workbook": lambda head: {BOOK: workbook(head=head, more=f"<x>{20_000 * '&j;'}</x>")},
    "links": lambda head: {RELS: head + links("&j;")},
    "many in the links": lambda head: {RELS: head + links(more=f"<x y='{20_000 * '&j;'}'/>")},
}


@pytest.mark.parametrize("place", ENTITIES)
@pytest.mark.parametrize("head", [LAUGHS, LONG, OUTSIDE], ids=["nested", "long", "from outside"])
def test_entities_are_not_expanded(tmp_path: Path, place: str, head: str) -> None:
    assert "damaged" in refused(made(tmp_path / "a.xlsx", ENTITIES[place](head)))


FAR = {
    "corner": cell("XFD1048576", "x"),
    "last row": cell("A1048576", "x"),
    "middle": cell("ZZ99999", "x"),
    "beyond the corner": cell("XXX4294967", "x"),
}


@pytest.mark.parametrize("place", FAR)
def test_a_cell_far_away_is_refused_at_once(tmp_path: Path, place: str) -> None:
    path = made(tmp_path / "a.xlsx", {SHEET: sheet(f'{ROWS}<row r="3">{FAR[place]}</row>')})
    assert path.stat().st_size < 4800
    assert "far away from the table" in refused(path)


def odd(attribute: str) -> str:
    return f'{ROWS}<row r="3">{cell("A3", "x").replace(chr(32) + "r=" + chr(34) + "A3" + chr(34), attribute)}</row>'


TWO_FAR = '<row r="1048576"><c><v>1</v></c></row><row r="3"><c r="XFD3"><v>1</v></c></row>'
WITH_PREFIX = (
    f'<x:worksheet xmlns:x="{MAIN}"><x:sheetData><x:row r="1"><x:c r="A1"><x:v>1</x:v></x:c></x:row>'
    '<x:row r="1048576"><x:c r="XFD1048576"><x:v>1</x:v></x:c></x:row></x:sheetData></x:worksheet>'
)
HIDDEN_FAR = {
    "small letters": sheet(odd(' r="xfd1048576"')),
    "other quotes": sheet(odd(" r='XFD1048576'")),
    "blanks": sheet(odd(' r = "XFD1048576"')),
    "after another attribute": sheet(odd(' s=">" r="XFD1048576"')),
    "endless column": sheet(odd(' r="AAAAAAAAAAAAAAAAAAAAAAAAA3"')),
    "endless row": sheet(odd(' r="A99999999999999999999"')),
    "row and column apart": sheet(ROWS + TWO_FAR),
    "prefix": WITH_PREFIX,
    "one text for all cells": sheet(HEAD + "".join(f'<row r="{n}"><c r="A{n}" t="s"><v>0</v></c></row>' for n in range(2, 40_000))),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", HIDDEN_FAR)
def test_what_hides_its_size_ends_its_own_process_only(tmp_path: Path, name: str) -> None:
    path = made(tmp_path / "a.xlsx", {SHEET: HIDDEN_FAR[name], STRINGS: strings(f"<si><t>{'a' * 1_000_000}</t></si>")})
    assert "far larger than a table" in apart(path)


def test_what_hides_its_size_is_read_in_a_process_of_its_own(tmp_path: Path) -> None:
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    assert "far larger than a table" in refused(made(tmp_path / "a.xlsx", {SHEET: HIDDEN_FAR["other quotes"]}))
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime > before
    assert text_of(made(tmp_path / "b.xlsx", {SHEET: sheet(odd(" r='A3'"))})) == [*READ, ["x", ""]]


@pytest.mark.parametrize("name", HIDDEN_FAR)
def test_nothing_that_hides_its_size_is_read_in_this_process(tmp_path: Path, name: str) -> None:
    path = made(tmp_path / "a.xlsx", {SHEET: HIDDEN_FAR[name], STRINGS: strings(f"<si><t>{'a' * 1_000_000}</t></si>")})
    book = package.open_package(path)
    assert not package.read_sheet(book, "S1").ordinary


LIES = {
    "dimension": {"before": '<dimension ref="A1:XFD1048576"/>'},
    "no dimension": {"before": '<dimension ref="A1:ZZZZZZZ99999999999999"/>'},
    "columns": {"before": '<cols><col min="1" max="16384" width="9"/></cols>'},
    "merged all": {"after": '<mergeCells><mergeCell ref="A1:XFD1048576"/></mergeCells>'},
    "merged often": {"after": "<mergeCells>" + '<mergeCell ref="A1:XFD1048576"/>' * 9000 + "</mergeCells>"},
    "object": {"after": '<oleObjects><oleObject progId="Package" r:id="x"/></oleObjects>'.replace("r:id", "id")},
}


@pytest.mark.parametrize("name", LIES)
def test_what_a_sheet_says_beside_its_cells_is_not_believed(tmp_path: Path, name: str) -> None:
    assert text_of(made(tmp_path / "a.xlsx", {SHEET: sheet(**LIES[name])})) == READ


@pytest.mark.parametrize("count", ["4294967295", "-1", "x"])
def test_counts_of_texts_and_styles_are_not_believed(tmp_path: Path, count: str) -> None:
    texts = strings("<si><t>4</t></si>").replace("<sst", f'<sst count="{count}" uniqueCount="{count}"')
    styles = f'<styleSheet xmlns="{MAIN}"><cellXfs count="{count}"><xf numFmtId="0"/></cellXfs></styleSheet>'
    path = made(tmp_path / "a.xlsx", {SHEET: sheet(SHARED), STRINGS: texts, STYLES: styles})
    if count.startswith("4"):  # room for so many is asked for before the first is read
        assert "far larger than a table" in refused(path)
    else:
        assert text_of(path) == READ


def test_a_number_that_is_no_day_ends_nothing(tmp_path: Path) -> None:
    styles = (
        f'<styleSheet xmlns="{MAIN}"><cellXfs count="2"><xf numFmtId="0"/><xf numFmtId="46"/></cellXfs></styleSheet>'
    )
    for value in ("1e308", "-1e308", "1e18", "NaN", "inf", "2958466"):
        rows = f'{HEAD}<row r="2">{cell("A2", "x1")}<c r="B2" s="1"><v>{value}</v></c></row>'
        path = made(tmp_path / "a.xlsx", {SHEET: sheet(rows), STYLES: styles})
        try:
            assert read_table(path).frame.shape == (1, 2)
        except Refused as told:
            assert "cannot be opened" in told.faults[0].en  # noqa: PT017


FORMULAS = {
    "command": "cmd|' /C calc'!A0",
    "web": 'WEBSERVICE("http://127.0.0.1:9/")',
    "other file": "'file:///etc/[passwd]S'!A1",
    "link": 'HYPERLINK("http://127.0.0.1:9/","x")',
}


@pytest.mark.parametrize("name", FORMULAS)
def test_of_formulas_only_saved_values_are_read_and_nothing_is_called(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def called(*_: object) -> None:
        raise AssertionError("something was called")

    monkeypatch.setattr(socket.socket, "connect", called)
    rows = f'{HEAD}<row r="2">{cell("A2", "x1")}<c r="B2"><f>{FORMULAS[name]}</f><v>4</v></c></row>'
    outside = f'<Relationship Id="r9" Type="{LINKS}/externalLink" Target="http://127.0.0.1:9/" TargetMode="External"/>'
    path = made(
        tmp_path / "a.xlsx", {SHEET: sheet(rows), RELS: links(more=outside)}, ("xl/externalLinks/e.xml", "<x/>")
    )
    assert text_of(path) == READ
