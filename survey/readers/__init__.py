"""Files as they arrived, as text: one platform a file, recognised by content, and nothing changed beside the header.

`files` opens (CSV, XLSX, XLS, Parquet) and gives a grid of text; a platform's reader consumes its header rows, keeps every other
row and cell, and says what it saw. SPSS and Stata files are opened by their own readers.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from survey.faults import Fault, Refused
from survey.readers import (
    files,
    kobo,
    limesurvey,
    plain,
    qualtrics,
    spss,
    stata,
    surveygizmo,
    surveymonkey,
    wenjuanxing,
)
from survey.readers.raw import MAX_FIELDS, Grid, RawTable, check_header, refuse
from survey.schema import Layout

# The first that recognises a grid reads it; `plain` reads what is left.
GRIDS: dict[str, tuple[Callable[[Grid], bool], Callable[[Grid], RawTable]]] = {
    "qualtrics": (qualtrics.recognises, qualtrics.read),
    "limesurvey": (limesurvey.recognises, limesurvey.read),
    "surveymonkey": (surveymonkey.recognises, surveymonkey.read),
    "surveygizmo": (surveygizmo.recognises, surveygizmo.read),
    "kobo": (kobo.recognises, kobo.read),
    "wenjuanxing": (wenjuanxing.recognises, wenjuanxing.read),
    "plain": (lambda _: True, plain.read),
}
BINARIES: dict[str, tuple[Callable[[bytes], bool], Callable[[Path, Layout], RawTable]]] = {
    "spss": (spss.recognises, spss.read),
    "stata": (stata.recognises, stata.read),
}
PLATFORMS = (*GRIDS, *BINARIES)

__all__ = ["PLATFORMS", "RawTable", "read_table"]


def read_table(path: str | os.PathLike[str], *, platform: str | None = None, layout: Layout | None = None) -> RawTable:
    """Read a file as text, one row an answer (or a line of a log or registry).

    Parameters
    ----------
    path : path
        CSV, XLSX, XLS, Parquet, SPSS (.sav) or Stata (.dta). Its kind is recognised by its first bytes, not by its name.
    platform : str, optional
        Which tool exported it, one of `PLATFORMS`; None: recognised by content.
    layout : Layout, optional
        The file's entry in wave.yaml: encoding, delimiter, sheet, first header row.

    Returns
    -------
    RawTable
        ``.frame`` of text (empty cell: empty text), index = row number in the file; ``.platform``, ``.labels``, ``.multiple``
        and what else the platform says of its columns and rows.

    Raises
    ------
    survey.Refused
        With what was seen and what to do; nothing of the file's content is in the message.
    """
    place, layout = Path(path), layout or Layout()
    if platform is not None and platform not in PLATFORMS:
        _refuse_platform(place, platform)
    if place.is_symlink() or not place.is_file():
        refuse(place, "this is not a regular file", "这不是普通文件")
    try:
        before = place.stat().st_size
        if before == 0:
            refuse(place, "the file is empty (0 bytes); export it again", "文件为空（0 字节）；请重新导出")
        raw = _read(place, platform, layout)
        if place.stat().st_size != before:
            refuse(place, "the file is still being written; wait and try again", "文件仍在写入；请稍后再试")
    except OSError:
        refuse(
            place, "this file cannot be read; check its permissions and the disk", "无法读取该文件；请检查权限和磁盘"
        )
    _refuse_empty(place, raw)
    return raw


def _read(path: Path, platform: str | None, layout: Layout) -> RawTable:
    with path.open("rb") as file:
        magic = file.read(16)
    binary = next((name for name, (recognises, _) in BINARIES.items() if recognises(magic)), None)
    if platform in BINARIES or (binary and platform is None):
        return BINARIES[platform or str(binary)][1](path, layout)
    if binary:
        refuse(path, f"this is a file of {binary}, not of {platform}", f"这是 {binary} 文件，不是 {platform} 文件")
    grid = files.open_grid(path, layout).below(layout.header_row)
    if len(grid.head()) > MAX_FIELDS:  # before it is asked whose export it is, which looks at every field
        check_header(path, grid.head(), layout.header_row, 0)
    return GRIDS[platform or recognised(grid)][1](grid)


def recognised(grid: Grid) -> str:
    """Name the platform whose export a grid is; ``plain`` where none claims it."""
    return next(name for name, (recognises, _) in GRIDS.items() if recognises(grid))


def _refuse_platform(path: Path, platform: str) -> None:
    known = ", ".join(PLATFORMS)
    en = f"the platform “{platform}” is not known here; known: {known}"
    raise Refused([Fault(path.name, 0, en, f"未知的平台“{platform}”；可用：{known}")])


def _refuse_empty(path: Path, raw: RawTable) -> None:
    blank = not any(cell.strip() for name in raw.frame for cell in raw.frame[name])
    if blank and raw.ragged:
        refuse(
            path,
            "every row is shorter than the header; check the delimiter",
            "所有行都短于表头；请检查分隔符",
            raw.ragged[0],
        )
    if blank:
        refuse(path, "there is a header but no rows; export it again", "只有表头，没有数据行；请重新导出")
