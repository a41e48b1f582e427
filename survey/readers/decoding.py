"""Bytes to text, block by block: which encoding a file of text is in, and its lines.

A file is UTF-8 where all of it is, else GB18030, which nearly any bytes can be taken for: so where lines of it are UTF-8 beyond
chance, two exports were put into one file. A byte order mark, or wave.yaml, says the encoding for certain.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from survey.readers.raw import refuse

FIRST_BLOCK, BLOCK = (
    2**18,
    2**22,
)  # bytes that are decoded at once: the first, whose lines are looked at one by one, and the others
START = 2**12  # bytes by which it is seen what a file is
MAX_ROW = 2**26  # characters; no row of a table is longer
CHANCE = 3  # characters of three bytes that make a line UTF-8 for certain
_BOMS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
_WIDE = {"utf-16": 2, "utf-32": 4}
# What comes out of these decoders can be stored as it is; of others it is tried.
_WELL_FORMED = {"utf-8", "utf-8-sig", "utf-16", "gb18030"}
_JSON = re.compile(r"""\s*(?:\{\s*["}](?!ImportId")|\[\s*[\[{"\]]|\[\s*-?\d[\d.]*\s*,)""")
_DELIMITERS, _ENDS = ",\t;，", "\r\n"
_UNREAD = (
    "from this line on the text is not in one of the encodings UTF-8 or GB18030, or not in the declared one; "
    "save the file as UTF-8, or declare layout: encoding in wave.yaml",
    "从此行起不是 UTF-8 或 GB18030（或所声明的）编码；请另存为 UTF-8，或在 wave.yaml 的 layout 中声明 encoding",
)


class Lines:
    """The lines of a file, with their ends, as `csv.reader` takes them.

    Parameters
    ----------
    path : Path
    encoding : str
        The encoding that was found.
    tell : callable
        Is given the number of bytes of each block that was read.

    Attributes
    ----------
    since : int
        Characters since somebody set this to 0, as is done after each row: a row without an end is not read to the file's end.
    """

    __slots__ = ("_encoding", "_path", "_tell", "since")

    def __init__(self, path: Path, encoding: str, tell: Callable[[int], None] = lambda _: None) -> None:
        self._path, self._encoding, self._tell, self.since = path, encoding, tell, 0

    def __iter__(self) -> Iterator[str]:
        """Give whole lines, many at once; raise `csv.Error` for a row that is too long, UnicodeError for wrong bytes."""
        rest = ""
        for text, size in texts(self._path, self._encoding):
            self._tell(size)
            rest += text
            self.since += len(text)
            if self.since > MAX_ROW:
                raise csv.Error("a row is too long")
            cut = rest.rfind("\n") + 1 or rest.rfind("\r", 0, -1) + 1  # behind a \r at the end a \n may follow
            if cut:
                yield rest[:cut]
                rest = rest[cut:]
        if rest:
            yield rest


class Feed:
    """The lines of blocks one by one, for `csv.reader`, which asks for the next block's only where a row goes on there."""

    def __init__(self, blocks: Iterator[str]) -> None:
        self._blocks, self._left = blocks, 0
        self._lines: Iterator[str] = iter(())

    @property
    def is_empty(self) -> bool:
        """Whether the last line of a block was the last to be given."""
        return not self._left

    def take(self, block: str) -> None:
        """Go on with a block."""
        lines = list(io.StringIO(block, newline=""))
        self._lines, self._left = iter(lines), len(lines)

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if not self._left:
            self.take(next(self._blocks))
        self._left -= 1
        return next(self._lines)


def texts(path: Path, encoding: str) -> Iterator[tuple[str, int]]:
    """Give a file's text by blocks, each with the bytes that it took; without a byte order mark."""
    decoder, first = _decoder(path, encoding), True
    with path.open("rb") as file:
        while block := file.read(FIRST_BLOCK if first else BLOCK):
            text = decoder.decode(block)
            yield text.removeprefix("\ufeff") if first else text, len(block)
            first = first and not text
    yield decoder.decode(b"", True), 0


def encoding_of(path: Path, declared: str | None, tell: Callable[[int], None] = lambda _: None) -> str:
    """Find the encoding in which all of a file can be read.

    Raises
    ------
    survey.Refused
        With the line from which on it cannot; also for NUL, and for a file of two encodings.
    """
    line, candidates = 0, _candidates(_start(path), declared)
    for n, encoding in enumerate(candidates):
        unread = _unread(path, encoding, tell, line if n else 0)
        if not unread:
            return encoding
        line = unread
    return refuse(path, *_UNREAD, line)


def refuse_other_kinds(path: Path, declared: str | None) -> None:
    """Refuse what is no table by what it begins with: a web page, JSON, UTF-16 that does not say that it is."""
    start = _start(path)
    if not declared and (order := _byte_order(start)):
        refuse(
            path,
            f"the text seems to be UTF-16 without a byte order mark; declare layout: encoding: {order} in wave.yaml, or save "
            "the file as UTF-8",
            f"文本似为不带字节序标记的 UTF-16；请在 wave.yaml 的 layout 中声明 encoding: {order}，或把文件另存为 UTF-8",
        )
    text = _readable(path, declared).lstrip()
    if text.startswith("<"):
        refuse(
            path,
            "this is a web page, not a table; open it and save it as XLSX",
            "这是网页，不是表格；请打开后另存为 XLSX",
            1,
        )
    if _JSON.match(text):
        refuse(
            path,
            "this is JSON, not a table; export it again as CSV or XLSX (.csv, .xlsx)",
            "这是 JSON，不是表格；请改为导出 CSV 或 XLSX",
            1,
        )


def probable(path: Path, declared: str | None) -> str | None:
    """Guess a file's encoding by its first block alone; None where that cannot be read."""
    candidates = _candidates(_start(path), declared)
    return next((encoding for encoding in candidates if _first(path, encoding) is not None), None)


def _start(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(START)


def _readable(path: Path, declared: str | None) -> str:
    found = probable(path, declared)
    return (_first(path, found) or "") if found else ""


def _first(path: Path, encoding: str) -> str | None:
    """The first block with a sign in it; None where it is not in the encoding."""
    try:
        return next((text for text, _ in texts(path, encoding) if text.strip()), "")
    except UnicodeError:
        return None


def _candidates(start: bytes, declared: str | None) -> list[str]:
    bom = next((name for sign, name in _BOMS.items() if start.startswith(sign)), None)
    return [declared] if declared else [bom] if bom else ["utf-8", "gb18030"]


def _decoder(path: Path, encoding: str) -> codecs.IncrementalDecoder:
    """The decoder; without a mark, UTF-16 that was declared has the order of bytes of today's machines."""
    name = codecs.lookup(encoding).name
    if name in _WIDE and not _start(path).startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE)):
        name += "-le"
    return codecs.getincrementaldecoder(name)()


def _byte_order(start: bytes) -> str:
    """The kind of UTF-16 that bytes seem to be: the signs of a table have NUL in every second place, and there is no other NUL."""
    if start.startswith(tuple(_BOMS)):
        return ""
    for order, place in (("utf-16-le", 1), ("utf-16-be", 0)):
        signs = {*start[: len(start) // 2 * 2].decode(order, "replace")}
        noughts = start[place::2].count(0)
        table = not signs.isdisjoint(_DELIMITERS) and not signs.isdisjoint(_ENDS)
        if noughts and "\0" not in signs and (table or 4 * noughts > len(start)):
            return order
    return ""


def _unread(path: Path, encoding: str, tell: Callable[[int], None], other: int) -> int:
    """The line of the first bytes that are not in an encoding; 0 where there are none. `other`: where it is no UTF-8."""
    strange = encoding not in _WELL_FORMED
    decoder, lines, nul, rest, before = _decoder(path, encoding), 0, 0, b"", 0
    with path.open("rb") as file:
        while True:
            block = file.read(BLOCK)
            if other:
                rest, before = _refuse_glued(path, rest + block, before, other, last=not block)
            try:
                text = decoder.decode(block, not block)
                if strange:
                    text.encode("utf-8")
            except UnicodeError as error:
                if other:  # what is wrong here may be a line of the other encoding
                    _refuse_glued(path, rest + file.readline(MAX_ROW), before, other, last=True)
                return _line_of(error, lines, block)
            nul = nul or ("\0" in text and lines + text.count("\n", 0, text.index("\0")) + 1)
            lines += block.count(b"\n")
            tell(len(block))
            if not block:
                break
    if nul:
        refuse(path, "there is a NUL character; export the file again", "含有 NUL 字符；请重新导出", nul)
    return 0


def _line_of(error: UnicodeError, lines: int, block: bytes) -> int:
    """Where bytes are wrong; `lines` end before the block, to which the decoder may have added what it kept of the one before."""
    if not isinstance(error, UnicodeDecodeError):
        return lines + 1
    return lines + block.count(b"\n") - error.object.count(b"\n", error.start) + 1


def _refuse_glued(path: Path, data: bytes, before: int, other: int, *, last: bool) -> tuple[bytes, int]:
    """Refuse a line that is UTF-8 in a file that is not; give back the beginning of a line without an end, and the lines before."""
    cut = len(data) if last or len(data) > MAX_ROW else data.rfind(b"\n") + 1 or data.rfind(b"\r") + 1
    lines = data[:cut].splitlines()
    for n, line in enumerate(lines, start=before + 1):
        if not line.isascii() and _is_utf8(line):
            refuse(
                path,
                f"two encodings in one file: line {n} is UTF-8, line {other} is not; export again, or keep what was put together "
                "in files of their own",
                f"一个文件中有两种编码：第 {n} 行是 UTF-8，第 {other} 行不是；请重新导出，或把拼在一起的内容分成各自的文件",
                max(n, other),
            )
    return data[cut:], before + len(lines)


def _is_utf8(line: bytes) -> bool:
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return sum("\u07ff" < sign < "\U00010000" for sign in text) >= CHANCE
