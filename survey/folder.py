"""Text files of a study folder as plain objects that remember their lines: YAML without surprises, CSV as text.

Every YAML scalar is read as text, whatever it looks like (``NO``, ``0110``, ``12:30``); types are given by the models of
`survey.study`. A key that stands twice is a fault. Files are opened only inside the study's folder and only where they
are regular files.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from survey.faults import Fault, Refused

Lines = dict[tuple[Any, ...], int]


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
    text = read_text(folder, file)
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 0
        raise Refused(
            [
                Fault(
                    file,
                    line,
                    "this is not valid YAML; check the indentation, colons and quotes here",
                    "不是有效的 YAML；请检查此处的缩进、冒号和引号",
                )
            ]
        ) from None
    lines: Lines = {}
    faults: list[Fault] = []
    content = _plain(node, (), file, lines, faults, set()) if node else {}
    if faults:
        raise Refused(faults)
    return Document(file, content, lines)


def _plain(
    node: yaml.Node, path: tuple[Any, ...], file: str, lines: Lines, faults: list[Fault], above: set[int]
) -> Any:
    lines.setdefault(path, node.start_mark.line + 1)
    if id(node) in above:
        faults.append(
            Fault(
                file,
                node.start_mark.line + 1,
                "a part refers to itself; write it out",
                "此处引用了自身；请直接写出内容",
            )
        )
        return None
    inside = above | {id(node)}
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, path, file, lines, faults, inside)
    if isinstance(node, yaml.SequenceNode):
        return [_plain(child, (*path, i), file, lines, faults, inside) for i, child in enumerate(node.value)]
    return node.value


def _mapping(
    node: yaml.MappingNode, path: tuple[Any, ...], file: str, lines: Lines, faults: list[Fault], above: set[int]
) -> dict[str, Any]:
    content: dict[str, Any] = {}
    for key, value in node.value:
        name, line = str(key.value), key.start_mark.line + 1
        if name in content:
            faults.append(
                Fault(
                    file,
                    line,
                    f"the key “{name}” stands twice; keep one",
                    f"键“{name}”重复出现；请只保留一个",
                )
            )
        lines[(*path, name)] = line
        content[name] = _plain(value, (*path, name), file, lines, faults, above)
    return content


def read_rows(
    folder: Path, file: str, required: tuple[str, ...], optional: tuple[str, ...] = ()
) -> list[dict[str, str]]:
    """Read a CSV file of the folder as text rows; each has its line under the key ``#line``. Unknown columns are refused."""
    reader = csv.reader(io.StringIO(read_text(folder, file), newline=""), strict=True)
    try:
        table = [(reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]
    except csv.Error:
        raise Refused([Fault(file, reader.line_num, "a quote is not closed here", "此处引号没有闭合")]) from None
    header = [cell.strip() for cell in table[0][1]] if table else []
    refusals = _header_faults(file, header, required, optional)
    refusals += [
        Fault(
            file,
            line,
            f"{len(row)} fields where the header has {len(header)}; check commas and quotes",
            f"此行有 {len(row)} 个字段，表头有 {len(header)} 个；请检查逗号和引号",
        )
        for line, row in table[1:]
        if len(row) != len(header)
    ]
    if refusals:
        raise Refused(refusals)
    blank = dict.fromkeys(optional, "")
    return [
        blank | dict(zip(header, (c.strip() for c in row), strict=True)) | {"#line": str(line)}
        for line, row in table[1:]
    ]


def _header_faults(file: str, header: list[str], required: tuple[str, ...], optional: tuple[str, ...]) -> list[Fault]:
    lacking = [c for c in required if c not in header]
    unknown = [c for c in header if c not in required + optional]
    faults = []
    if lacking:
        names = ", ".join(lacking)
        faults.append(Fault(file, 1, f"the header lacks the columns {names}", f"表头缺少列：{names}"))
    if unknown:
        names = ", ".join(unknown)
        faults.append(Fault(file, 1, f"the header has columns not known here: {names}", f"表头有未知的列：{names}"))
    if len(set(header)) < len(header):
        faults.append(Fault(file, 1, "a column name stands twice in the header", "表头有重复的列名"))
    return faults


def read_text(folder: Path, file: str) -> str:
    """Read a UTF-8 text file of the folder."""
    try:
        return place(folder, file).read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Refused(
            [Fault(file, 0, "this file is not UTF-8; save it as UTF-8", "文件不是 UTF-8 编码；请另存为 UTF-8")]
        ) from None


def place(folder: Path, file: str) -> Path:
    """Give the path of a file inside the folder; refuse what lies elsewhere, is absent or is not a regular file."""
    path = folder / file
    inside = path.resolve().is_relative_to(folder.resolve()) and "\0" not in file
    if not inside or path.is_symlink():
        raise Refused(
            [
                Fault(
                    file,
                    0,
                    "this name leads out of the study's folder; put the file into the folder",
                    "该文件名指向研究文件夹之外；请把文件放进文件夹",
                )
            ]
        )
    if not path.is_file():
        raise Refused(
            [Fault(file, 0, "this file is not there; put it into the folder", "文件不存在；请把文件放进文件夹")]
        )
    return path
