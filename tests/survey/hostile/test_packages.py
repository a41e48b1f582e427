"""Archives whose list says one thing and whose parts another, other kinds of workbooks, macros: refused, with what to do."""

from __future__ import annotations

import struct
import warnings
import zipfile
from pathlib import Path

import pytest

from survey import read_table
from tests.survey.hostile.books import BOOK, MAIN, READ, RELS, SHEET, links, made, refused, sheet, text_of, workbook

MACROS = ("xl/vbaProject.bin", "XL/VBAPROJECT.BIN", "xl\\VbaProject.bin", "xl/macrosheets/sheet1.xml", "xl/vbaData.xml")


@pytest.mark.parametrize("name", MACROS)
def test_macros_are_refused_whatever_the_file_is_called(tmp_path: Path, name: str) -> None:
    assert "holds macros" in refused(made(tmp_path / "a.xlsx", {}, (name, "x")))


OTHERS = {
    "XLSB": {"xl/workbook.bin": "x"},
    "ODS": {"mimetype": "application/vnd.oasis.opendocument.spreadsheet", "content.xml": "<x/>"},
    "Numbers": {"Index/Document.iwa": "x"},
    "not a workbook": {"word/document.xml": "x"},
    "packed archive": {"../../evil.csv": "a,b\n1,2\n"},
}


@pytest.mark.parametrize("kind", OTHERS)
def test_other_kinds_of_archives_are_named(tmp_path: Path, kind: str) -> None:
    with zipfile.ZipFile(tmp_path / "a.xlsx", "w") as archive:
        for name, data in OTHERS[kind].items():
            archive.writestr(name, data)
    assert kind in refused(tmp_path / "a.xlsx")
    assert not (tmp_path.parent.parent / "evil.csv").exists()


def test_a_part_outside_or_absolute_is_looked_up_in_the_archive_only(tmp_path: Path) -> None:
    (tmp_path / "sheet1.xml").write_text(sheet(), "utf-8")
    good = (
        "/xl/worksheets/sheet1.xml",
        "../xl/worksheets/sheet1.xml",
        "WORKSHEETS\\Sheet1.XML",
        "./worksheets/sheet1.xml",
    )
    for target in good:
        assert text_of(made(tmp_path / "a.xlsx", {RELS: links(target)})) == READ
    bad = ("../../sheet1.xml", str(tmp_path / "sheet1.xml"), "file:///etc/passwd", "http://127.0.0.1:9/x", "", "..")
    for target in bad:
        assert "damaged" in refused(made(tmp_path / "b.xlsx", {RELS: links(target)}))


def test_odd_names_of_sheets_are_told_on_one_line(tmp_path: Path) -> None:
    more = '<sheet name="../../x&#10;\u202eevil" sheetId="2" r:id="r1"/><sheet name="b" sheetId="3" r:id="r1"/>'
    path = made(tmp_path / "a.xlsx", {BOOK: workbook("../S1").replace("</sheets>", f"{more}</sheets>")})
    told = refused(path)
    assert "several sheets" in told
    assert told.isprintable()


def doubled(path: Path) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return made(path, {}, (SHEET, sheet("")))


def with_wrong_checksum(path: Path) -> Path:
    data = bytearray(made(path, {}).read_bytes())
    at = data.find(b"PK\x01\x02", data.find(b"PK\x01\x02") + 1)
    while data[at + 46 : at + 46 + len(SHEET)] != SHEET.encode():
        at = data.find(b"PK\x01\x02", at + 1)
    data[at + 16] ^= 1
    path.write_bytes(data)
    return path


def with_size_that_lies(path: Path) -> Path:
    path = made(path, {SHEET: sheet(f"<row r='1'>{' ' * 40_000_000}</row>")})
    data = bytearray(path.read_bytes())
    for size in (len(sheet(f"<row r='1'>{' ' * 40_000_000}</row>")),):
        for at in (n for n in range(len(data) - 4) if data[n : n + 4] == struct.pack("<I", size)):
            data[at : at + 4] = struct.pack("<I", 300)
    path.write_bytes(data)
    return path


def overlapping(path: Path) -> Path:
    """Every part's entry points to one and the same packed data."""
    data = bytearray(made(path, {}).read_bytes())
    at = data.find(b"PK\x01\x02")
    while at >= 0:
        data[at + 42 : at + 46] = b"\0\0\0\0"
        at = data.find(b"PK\x01\x02", at + 1)
    path.write_bytes(data)
    return path


def encrypted(path: Path) -> Path:
    data = bytearray(made(path, {}).read_bytes())
    at = data.find(b"PK\x01\x02")
    data[at + 8] |= 1
    path.write_bytes(data)
    return path


DAMAGED = {
    "one name twice": (doubled, "damaged"),
    "wrong checksum": (with_wrong_checksum, "damaged"),
    "a size that lies": (with_size_that_lies, "damaged"),
    "overlapping": (overlapping, "damaged"),
    "protected part": (encrypted, "protected by a password"),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_an_archive_that_contradicts_itself_is_refused(tmp_path: Path, name: str) -> None:
    make, words = DAMAGED[name]
    assert words in refused(make(tmp_path / "a.xlsx"))


def test_days_from_1904_and_strict_workbooks_keep_their_meaning(tmp_path: Path) -> None:
    formats = '<xf numFmtId="0"/><xf numFmtId="14"/>'
    styles = f'<styleSheet xmlns="{MAIN}"><cellXfs>{formats}</cellXfs></styleSheet>'
    rows = '<row r="1"><c r="A1"><v>7</v></c><c r="B1"><v>8</v></c></row>'
    rows += '<row r="2"><c r="A2" s="1"><v>1</v></c><c r="B2"><v>5</v></c></row>'
    more = '<workbookPr date1904="1"/>'
    path = made(tmp_path / "a.xlsx", {BOOK: workbook(more=more), SHEET: sheet(rows), "xl/styles.xml": styles})
    assert text_of(path)[1][0].startswith("1904-01-02")
    path = made(tmp_path / "b.xlsx", {BOOK: workbook(), SHEET: sheet(rows), "xl/styles.xml": styles})
    assert text_of(path)[1][0].startswith("1900-01-01")
    strict = workbook().replace(
        "http://schemas.openxmlformats.org/officeDocument/2006", "http://purl.oclc.org/ooxml/officeDocument"
    )
    assert text_of(made(tmp_path / "c.xlsx", {BOOK: strict})) == READ


def compound(name: str) -> bytes:
    """An OLE file with one stream of that name: how Office writes a workbook with a password."""
    head = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6) + bytes(6)
    head += struct.pack("<IIIIIIIII", 0, 1, 1, 0, 4096, 0xFFFFFFFE, 0, 0xFFFFFFFE, 0)
    head += struct.pack("<I", 0) + b"\xff" * (512 - 80)
    table = struct.pack("<III", 0xFFFFFFFD, 0xFFFFFFFE, 0xFFFFFFFE) + b"\xff" * 500

    def entry(text: str, kind: int, child: int, start: int, size: int) -> bytes:
        label = text.encode("utf-16-le")
        body = label.ljust(64, b"\0") + struct.pack("<HBBIII", len(label) + 2, kind, 1, 0xFFFFFFFF, 0xFFFFFFFF, child)
        return body + bytes(36) + struct.pack("<III", start, size, 0)

    folder = entry("Root Entry", 5, 1, 0xFFFFFFFE, 0) + entry(name, 2, 0xFFFFFFFF, 2, 512) + bytes(256)
    return head[:512] + table + folder + bytes(512)


@pytest.mark.parametrize("stream", ["EncryptedPackage", "Workbook", "../../x"])
def test_protected_and_odd_compound_files_are_refused(tmp_path: Path, stream: str) -> None:
    (tmp_path / "a.xlsx").write_bytes(compound(stream))
    assert "protected by a password or damaged" in refused(tmp_path / "a.xlsx")


@pytest.mark.slow
def test_old_workbooks_damaged_at_random_end_no_process_but_their_own(shared_data, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    data = (shared_data("wjx_phone_survey") / "wjx_by_text.xls").read_bytes()
    for n in range(12):
        hurt = bytearray(data)
        for at in range(512 + 97 * n, len(hurt), 5003 + n):
            hurt[at] ^= 0xFF
        (tmp_path / "a.xls").write_bytes(hurt)
        try:
            assert len(read_table(tmp_path / "a.xls").frame) > 0
        except ValueError as told:
            assert "a.xls" in str(told)  # noqa: PT017
