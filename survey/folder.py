"""Text files of a study folder as plain objects that remember their lines: YAML without surprises, CSV as text.

Every YAML scalar is read as text, whatever it looks like (``NO``, ``0110``, ``12:30``); types are given by the models of
`survey.study`. A key that stands twice is a fault; so are anchors and tags. Files are opened only inside their folder and
only where they are regular files.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, NoReturn

import yaml

from survey.faults import Fault, Refused, refuse_if

MAX_YAML = (
    500_000  # bytes; some thousand mapped columns have 100,000, and a reader in Python takes five seconds for this
)
MAX_TABLE = 20_000_000  # bytes; the townships of a whole country have 3,000,000
Lines = dict[tuple[Any, ...], int]
_TAGS = frozenset(
    f"tag:yaml.org,2002:{kind}"
    for kind in ("str", "int", "float", "bool", "null", "timestamp", "map", "seq", "merge", "value")
)


@dataclass(frozen=True, slots=True)
class Document:
    """A YAML file: its content (text, lists, mappings) and the line of each key, by path from the top."""

    file: str
    content: Any
    lines: Lines

    def line(self, path: tuple[Any, ...]) -> int:
        """Line of the longest beginning of `path` that stands in the file."""
        for end in range(len(path), -1, -1):
            if path[:end] in self.lines:
                return self.lines[path[:end]]
        return 1


def read_yaml(folder: Path, file: str) -> Document:
    """Read a YAML file of the folder; refuse what is not YAML, double keys, anchors and tags."""
    text = read_text(folder, file, MAX_YAML)
    try:
        node = _composed(text)
    except yaml.YAMLError as error:
        _refuse(
            file,
            _line_of(error, text),
            "this is not valid YAML; check the indentation, colons and quotes here",
            "不是有效的 YAML；请检查此处的缩进、冒号和引号",
        )
    except RecursionError:
        _refuse(file, 0, "this file is nested too deeply", "文件嵌套过深")
    walk = _Walk(file)
    content = walk.plain(node, ()) if node else {}
    refuse_if(walk.faults)
    return Document(file, content, walk.lines)


@lru_cache(maxsize=32)
def _composed(text: str) -> yaml.Node | None:
    """Every notebook opens the study anew. libyaml would be faster, but dies of a file that is nested too deeply."""
    node: yaml.Node | None = yaml.compose(text, Loader=yaml.SafeLoader)
    return node


def _line_of(error: yaml.YAMLError, text: str) -> int:
    mark = getattr(error, "problem_mark", None)
    if mark is not None:
        return int(mark.line) + 1
    return text.count("\n", 0, getattr(error, "position", 0)) + 1


@dataclass(slots=True)
class _Walk:
    """From YAML nodes to text, lists and mappings; keeps the lines of keys and what is wrong."""

    file: str
    lines: Lines = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    seen: set[int] = field(default_factory=set)

    def plain(self, node: yaml.Node, path: tuple[Any, ...]) -> Any:
        self.lines.setdefault(path, node.start_mark.line + 1)
        if id(node) in self.seen:
            self._fault(
                node,
                "this repeats another part (YAML alias); write it out",
                "此处引用了别处的内容（YAML 别名）；请直接写出",
            )
            return ""
        self.seen.add(id(node))
        if node.tag not in _TAGS:
            self._fault(
                node, "a YAML tag (!...) is not allowed here; delete it", "此处不允许使用 YAML 标签（!...）；请删除"
            )
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.plain(child, (*path, i)) for i, child in enumerate(node.value)]
        return node.value

    def _mapping(self, node: yaml.MappingNode, path: tuple[Any, ...]) -> dict[str, Any]:
        content: dict[str, Any] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                self._fault(key, "a key must be a word, not a list or a mapping", "键必须是文字，不能是列表或映射")
                continue
            if key.value in content:
                name = key.value
                self._fault(key, f"the key “{name}” stands twice; keep one", f"键“{name}”重复出现；请只保留一个")
            self.lines[(*path, key.value)] = key.start_mark.line + 1
            content[key.value] = self.plain(value, (*path, key.value))
        return content

    def _fault(self, node: yaml.Node, en: str, zh: str) -> None:
        self.faults.append(Fault(self.file, node.start_mark.line + 1, en, zh))


def read_rows(
    folder: Path, file: str, required: tuple[str, ...], optional: tuple[str, ...] = (), filled: tuple[str, ...] = ()
) -> list[dict[str, str]]:
    """Read a CSV file of the folder as text rows; each has its line under the key ``#line``.

    Unknown columns, rows of another length than the header and empty cells in the columns `filled` are refused.
    """
    table = _csv_rows(file, read_text(folder, file))
    line, header = (table[0][0], [cell.strip() for cell in table[0][1]]) if table else (1, [])
    refusals = _header_faults(file, line, header, required, optional) + _length_faults(file, len(header), table[1:])
    refuse_if(refusals)
    blank = dict.fromkeys(optional, "")
    rows = [
        blank | dict(zip(header, (c.strip() for c in row), strict=True)) | {"#line": str(line)}
        for line, row in table[1:]
    ]
    refuse_if(
        Fault(file, int(row["#line"]), f"the column {column} is empty here; fill it", f"此行的 {column} 列为空；请填写")
        for row in rows
        for column in filled
        if not row[column]
    )
    return rows


def _csv_rows(file: str, text: str) -> list[tuple[int, list[str]]]:
    """Rows that are not blank, each with the line on which it begins."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    table, line = [], 1
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                table.append((line, row))
            line = reader.line_num + 1
    except csv.Error:
        _refuse(
            file,
            line,
            "a quote that opens in this row is not closed, or one stands inside a cell and is not doubled",
            "此行的引号没有闭合，或单元格内的引号没有写成两个",
        )
    return table


def _header_faults(
    file: str, line: int, header: list[str], required: tuple[str, ...], optional: tuple[str, ...]
) -> list[Fault]:
    lacking = ", ".join(c for c in required if c not in header)
    unknown = ", ".join(c or "-" for c in header if c not in required + optional)
    faults = []
    if lacking:
        faults.append(Fault(file, line, f"the header lacks the columns {lacking}", f"表头缺少列：{lacking}"))
    if unknown:
        faults.append(
            Fault(file, line, f"the header has columns not known here: {unknown}", f"表头有未知的列：{unknown}")
        )
    if len(set(header)) < len(header):
        faults.append(Fault(file, line, "a column name stands twice in the header", "表头有重复的列名"))
    return faults


def _length_faults(file: str, width: int, rows: list[tuple[int, list[str]]]) -> list[Fault]:
    return [
        Fault(
            file,
            line,
            f"{len(row)} fields where the header has {width}; check commas and quotes",
            f"此行有 {len(row)} 个字段，表头有 {width} 个；请检查逗号和引号",
        )
        for line, row in rows
        if len(row) != width
    ]


def read_text(folder: Path, file: str, most: int = MAX_TABLE) -> str:
    """Read a UTF-8 text file of the folder that has at most so many bytes."""
    path = place(folder, file)
    if path.stat().st_size > most:
        _refuse(
            file,
            0,
            f"this file is too large: more than {most:,} bytes; it should hold settings or a list, not data",
            f"文件过大：超过 {most:,} 字节；这里应是设置或名单，而不是数据",
        )
    try:
        data = path.read_bytes()
    except OSError:
        _refuse(file, 0, "this file cannot be read; check its permissions", "无法读取该文件；请检查权限")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        _refuse(
            file,
            line,
            "from here on this file is not UTF-8; save it as UTF-8",
            "从此行起不是 UTF-8 编码；请另存为 UTF-8",
        )


def place(folder: Path, file: str) -> Path:
    """Give the path of a file inside the folder; refuse what lies elsewhere, is absent or is not a regular file."""
    path = folder / file
    try:
        astray = "\0" in file or path.is_symlink() or not path.resolve().is_relative_to(folder.resolve())
        there = not astray and path.is_file()
    except OSError:  # a name that is too long for the file system
        astray, there = False, False
    if astray:
        _refuse(
            file.replace("\0", "?"),
            0,
            "this name leads out of its folder; put the file itself into the folder",
            "该文件名指向文件夹之外；请把文件本身放进文件夹",
        )
    if not there:
        _refuse(file, 0, "this file is not there; put it into the folder", "文件不存在；请把文件放进文件夹")
    return path


def _refuse(file: str, line: int, en: str, zh: str) -> NoReturn:
    raise Refused([Fault(file, line, en, zh)]) from None
