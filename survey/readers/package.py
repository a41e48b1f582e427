"""XLSX packages: the parts that a table needs, read within limits and packed anew before the reading library sees them.

A package is a zip archive that anybody can write by hand: one name twice, sizes that lie, parts that lie elsewhere, entities,
macros, a cell in the farthest corner, one long text that a million cells share. The library believes such things, and takes all
memory or ends the process. So it is never given the file, but a plain package with one sheet, its texts and its styles. Links to
other files, embedded objects and pictures stay behind; of formulas only the values that were saved are read.
"""

from __future__ import annotations

import io
import posixpath
import re
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import NoReturn
from xml.etree import ElementTree

from survey.faults import Refused
from survey.readers.raw import refuse

MAX_INFLATED = 256 * 2**20  # a sheet of 130,000 answers to 60 questions; what is larger comes as CSV
FREE_INFLATED = 20 * 2**20  # a table of this size may be packed as tightly as it likes
MAX_RATIO = 100
MAX_LISTED = 4 * 2**20  # bytes of the archive's list of names, which for a workbook has some thousand
MAX_GRID = 20_000_000  # cells between the first and the last one that is filled; the library takes 50 bytes for each
FREE_GRID = 1_000_000  # so many cells may be as empty as they like; of more, one in a hundred is filled
MAX_TEXT = 256 * 2**20  # signs of all cells, where many cells share one long text
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_LINKS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
_TYPES = "http://schemas.openxmlformats.org/package/2006/content-types"
_PARTS = {"worksheet": "xl/sheet.xml", "sharedStrings": "xl/sharedStrings.xml", "styles": "xl/styles.xml"}
_BOOK, _BOOK_LINKS = "xl/workbook.xml", "xl/_rels/workbook.xml.rels"
_MACROS = ("vbaproject", "xl/macrosheets/", "xl/vba")
_OTHERS = {"xl/workbook.bin": "XLSB", "content.xml": "ODS", "index/document.iwa": "Numbers"}
# Cells and rows that do not begin with their place, or have a prefix; each searched for by itself, which is fastest.
_UNUSUAL = (
    re.compile(rb'<c(?! r="[A-Z]{1,3}[0-9]{1,7}")[\s/>]'),
    re.compile(rb'<row(?! r="[0-9]{1,7}")[\s/>]'),
    re.compile(rb":(?:c|row)[\s/>]"),
)
_COUNT = re.compile(rb"ount\s{0,9}=\s{0,9}[\"']([^\"']{0,20})")
_ROW_ENDS = re.compile(rb"</(\w+:)?row\s*>|<(\w+:)?row\b[^<>]*/>")
_FORMULAS = (re.compile(rb"<f[\s>/]"), re.compile(rb":f[\s>/]"))
_NO_VALUE = re.compile(
    rb"<(?:\w+:)?c\b[^<>]*>\s*<(?:\w+:)?f(?:\s[^<>]*)?(?:/>|>[^<]*</(?:\w+:)?f>)"
    rb"(?:\s*<(?:\w+:)?v(?:\s*/>|>\s*</(?:\w+:)?v>))?\s*</(?:\w+:)?c>"
)
_HIDDEN = re.compile(rb"""<(?:\w+:)?row\b(?>[^<>]*?\shidden=["'](?:1|true)["'])[^<>]*+(?<!/)>""")
_HAS_ERROR = re.compile(rb"""\st=["']e["']""")
_SIGNS_OF_ERRORS = (b't="e"', b"t='e'")  # looked for first: far faster than a pattern
_ERROR = re.compile(rb"""(<(?:\w+:)?c\b[^<>]*\st=["'])e(?=["'])""")
_DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    ValueError,
    NotImplementedError,
    RuntimeError,
    KeyError,
    ElementTree.ParseError,
)
_DAMAGED_WORDS = ("the workbook is damaged or incomplete; export it again", "工作簿已损坏或不完整；请重新导出")
_LARGE_WORDS = (
    "unpacked, the workbook would be far larger than a table of answers; save the sheet as CSV",
    "工作簿解压后过大，不像是答卷表；请把工作表另存为 CSV",
)
_FAR_WORDS = (
    "a cell lies far away from the table; delete the empty rows and columns behind the table, or save it as CSV",
    "有单元格远离表格；请删除表格之后的空行空列，或另存为 CSV",
)


@dataclass(frozen=True, slots=True)
class Package:
    """A workbook's list of sheets.

    Attributes
    ----------
    path : Path
    sheets : dict
        Sheets of cells (not of charts), in their order: {name: part of the archive}.
    shared : dict
        Parts that sheets share, where there are any: {``sharedStrings``, ``styles``: part of the archive}.
    from_1904 : bool
        Whether days count from 1904.
    """

    path: Path
    sheets: Mapping[str, str]
    shared: Mapping[str, str]
    from_1904: bool


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet, packed anew.

    Attributes
    ----------
    data : bytes
        An XLSX package with this sheet alone.
    ordinary : bool
        Whether it is certain, from its bytes, that the table is of bounded size; what is not is read in a process of its own.
    whole : bool
        Whether it has all rows.
    """

    data: bytes
    ordinary: bool
    whole: bool

    @property
    def hidden_rows(self) -> int:
        """Rows with cells that nobody sees, as a filter hides them."""
        return len(_HIDDEN.findall(self.data)) if b"hidden=" in self.data else 0


def open_package(path: Path) -> Package:
    """List the sheets of a workbook; what is packed strangely, protected, or brings macros is refused."""
    _refuse_long_list(path)
    try:
        with zipfile.ZipFile(path) as archive:
            names = _names(path, archive)
            book, links = _xml(archive.read(names[_BOOK])), _links(_xml(archive.read(names[_BOOK_LINKS])))
            sheets = {name: links[id_] for name, id_ in _sheets(book)}
            found = {kind: names[part] for kind, part in links.values() if kind in _PARTS and part in names}
            return Package(
                path,
                {name: names[part] for name, (kind, part) in sheets.items() if kind == "worksheet"},
                {kind: part for kind, part in found.items() if kind != "worksheet"},
                _is_from_1904(book),
            )
    except Refused:  # which is a ValueError too
        raise
    except _DAMAGED:
        refuse(path, *_DAMAGED_WORDS)


def read_sheet(package: Package, name: str, rows: int | None = None) -> Sheet:
    """Read one sheet, or so many of its first rows, and pack it anew; formulas without values and far cells are refused."""
    try:
        with zipfile.ZipFile(package.path) as archive:
            cells, whole = _cells(archive, package.sheets[name], rows)
            data = {"worksheet": cells} | {kind: archive.read(part) for kind, part in package.shared.items()}
    except _DAMAGED:
        refuse(package.path, *_DAMAGED_WORDS)
    if any(form.search(cells) for form in _FORMULAS) and _NO_VALUE.search(cells):
        refuse(
            package.path,
            "the sheet has formulas without values; open it in a spreadsheet program and save it",
            "工作表中有未计算的公式；请用表格软件打开并保存",
        )
    plain = _is_plain(cells)
    if plain and _grid(cells) > min(MAX_GRID, max(FREE_GRID, 100 * cells.count(b"<c "))):
        refuse(package.path, *_FAR_WORDS)
    ordinary = (
        plain and _shares_little(cells, data.get("sharedStrings", b"")) and all(map(_counts_rightly, data.values()))
    )
    return Sheet(_packed(data, package.from_1904), ordinary, whole)


def _cells(archive: zipfile.ZipFile, part: str, rows: int | None) -> tuple[bytes, bool]:
    """A sheet, or its beginning, which is closed behind the last row wanted; and whether this is all of it."""
    if rows is None:
        return archive.read(part), True
    with archive.open(part) as file:
        data, ends = file.read(2**18), list[re.Match[bytes]]()
        while len(ends := list(islice(_ROW_ENDS.finditer(data), rows))) < rows and (more := file.read(len(data))):
            data += more
    if len(ends) < rows:
        return data, True
    prefix = ends[-1][1] or ends[-1][2] or b""
    return data[: ends[-1].end()] + b"</%bsheetData></%bworksheet>" % (prefix, prefix), False


def refuse_large(path: Path) -> NoReturn:
    """Refuse a workbook that took more memory than a table may."""
    refuse(
        path,
        "the workbook is damaged, or would be far larger than a table of answers: a cell far away from the table, or texts "
        "packed very tightly; delete the empty rows and columns behind the table, or save the sheet as CSV",
        "工作簿已损坏，或展开后过大，不像是答卷表（有单元格远离表格，或文字被大量重复压缩）；"
        "请删除表格之后的空行空列，或把工作表另存为 CSV",
    )


def _refuse_long_list(path: Path) -> None:
    """A list of a million names takes long to read before anything can be said of them."""
    with path.open("rb") as file:
        file.seek(max(path.stat().st_size - 2**16 - 22, 0))
        end = file.read()
    ends = [end[match.start() + 12 : match.start() + 16] for match in re.finditer(rb"PK\x05\x06", end)]
    if any(int.from_bytes(size, "little") > MAX_LISTED for size in ends):
        refuse(path, *_LARGE_WORDS)


def _names(path: Path, archive: zipfile.ZipFile) -> dict[str, str]:
    """Names of the archive by how they are looked up: without case, with one kind of slash."""
    names: dict[str, str] = {}
    for info in archive.infolist():
        folded = info.filename.replace("\\", "/").casefold()
        if folded in names:
            raise ValueError("two parts have one name")
        names[folded] = info.filename
    _refuse_other_kinds(path, names)
    infos = archive.infolist()
    if sum(info.compress_size for info in infos) > path.stat().st_size:
        raise ValueError("the parts are longer than the archive")  # so much memory would be taken to read them
    inflated = sum(info.file_size for info in infos)
    if inflated > MAX_INFLATED or inflated > max(MAX_RATIO * path.stat().st_size, FREE_INFLATED):
        refuse(path, *_LARGE_WORDS)
    if any(info.flag_bits & 1 for info in infos):
        refuse(
            path, "the workbook is protected by a password; save it without one", "工作簿有密码；请另存为无密码的文件"
        )
    if any(sign in name for name in names for sign in _MACROS):
        refuse(path, "the workbook holds macros; save it as XLSX", "工作簿含有宏；请另存为 XLSX")
    return names


def _refuse_other_kinds(path: Path, names: Mapping[str, str]) -> None:
    for part, kind in _OTHERS.items():
        if part in names:
            refuse(
                path, f"this is a workbook in the form {kind}; save it as XLSX", f"这是 {kind} 工作簿；请另存为 XLSX"
            )
    if _BOOK not in names:
        refuse(
            path,
            "this is a packed archive (zip), not a workbook; unpack it and give the table inside",
            "这是压缩包（zip），不是工作簿；请解压后使用其中的表格",
        )


class _Tree(ElementTree.TreeBuilder):
    """Elements as they stand; a document that declares anything of its own, such as entities, is no workbook's."""

    def doctype(self, name: str, pubid: str | None, system: str | None) -> None:
        raise ValueError("a workbook declares no document type")


def _xml(data: bytes) -> ElementTree.Element:
    return ElementTree.fromstring(data, ElementTree.XMLParser(target=_Tree()))


def _links(root: ElementTree.Element) -> dict[str, tuple[str, str]]:
    """{id: (kind, part)}; a part by its path in the archive, whether it was written from the top or from the workbook."""
    found = {}
    for link in root:
        target = str(link.get("Target", "")).replace("\\", "/")
        part = target.lstrip("/") if target.startswith("/") else posixpath.normpath(f"xl/{target}")
        found[str(link.get("Id"))] = (str(link.get("Type")).rpartition("/")[2], part.casefold())
    return found


def _sheets(book: ElementTree.Element) -> list[tuple[str, str]]:
    """Names of the sheets and the ids of their links."""
    found = [e for e in book.iter() if e.tag.endswith("}sheet") and e.get("name") is not None]
    ids = [next((value for key, value in e.items() if key.endswith("}id")), "") for e in found]
    return list(zip((str(e.get("name")) for e in found), ids, strict=True))


def _is_from_1904(book: ElementTree.Element) -> bool:
    settings = [e for e in book.iter() if e.tag.endswith("}workbookPr")]
    return any(e.get("date1904") in ("1", "true") for e in settings)


def _is_plain(cells: bytes) -> bool:
    """Whether every cell and row says where it stands, in the usual signs, so that their places can be counted."""
    return not any(form.search(cells) for form in _UNUSUAL)


def _grid(cells: bytes) -> int:
    """Cells of the rectangle that holds all cells of a plain sheet; of rows at most ten times too many."""
    rows = max(map(int, re.findall(rb'<row r="([0-9]+)', cells)), default=1)
    columns = max(map(_column, set(re.findall(rb'<c r="([A-Z]+)', cells))), default=1)
    longer = rb'<c r="[A-Z]+[0-9]{%d}' % (len(str(rows)) + 1)
    most = 10 ** len(str(rows)) if re.search(longer, cells) is None else 0
    if not 0 < most * columns <= MAX_GRID:
        most = max(rows, *map(int, re.findall(rb'<c r="[A-Z]+([0-9]+)', cells)), 1)
    return most * columns


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = 26 * number + letter - ord("A") + 1
    return number


def _shares_little(cells: bytes, strings: bytes) -> bool:
    """Whether the texts stay small even if every cell holds the longest one."""
    longest = max(map(len, re.split(rb"</(?:\w+:)?si>", strings)))
    return longest * cells.count(b"<c ") <= MAX_TEXT


def _counts_rightly(part: bytes) -> bool:
    """Whether no list of a part says that it has more entries than the part has bytes; the library makes room for as many."""
    said = _COUNT.findall(part)
    return all(count.isdigit() and int(count) <= len(part) for count in said)


def _with_errors(cells: bytes) -> bytes:
    """Cells that hold an error of a formula as the text of it (#N/A): the library would give nothing."""
    has = any(sign in cells for sign in _SIGNS_OF_ERRORS) and _HAS_ERROR.search(cells)
    return _ERROR.sub(rb"\1str", cells) if has else cells


def _packed(data: Mapping[str, bytes], from_1904: bool) -> bytes:
    links = "".join(
        f'<Relationship Id="{kind}" Type="{_LINKS}/{kind}" Target="{_PARTS[kind].removeprefix("xl/")}"/>'
        for kind in data
    )
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("[Content_Types].xml", f'<Types xmlns="{_TYPES}"/>')
        archive.writestr(
            "_rels/.rels",
            f'<Relationships xmlns="{_PACKAGE}"><Relationship Id="1" Type="{_LINKS}/officeDocument" Target="{_BOOK}"/>'
            "</Relationships>",
        )
        archive.writestr(
            _BOOK,
            f'<workbook xmlns="{_MAIN}" xmlns:r="{_LINKS}"><workbookPr date1904="{from_1904:d}"/>'
            '<sheets><sheet name="1" sheetId="1" r:id="worksheet"/></sheets></workbook>',
        )
        archive.writestr(_BOOK_LINKS, f'<Relationships xmlns="{_PACKAGE}">{links}</Relationships>')
        for kind, part in data.items():
            archive.writestr(_PARTS[kind], _with_errors(part) if kind == "worksheet" else part)
    return packed.getvalue()
