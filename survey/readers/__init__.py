"""Files as they arrived, as text: one platform a file, recognised by content, and nothing changed beside the header.

`files` opens (CSV, XLSX, XLS, Parquet) and gives a grid of text; a platform's reader consumes its header rows, keeps every other
row and cell, and says what it saw. SPSS and Stata files are opened by their own readers. First the top of a file is read alone, so
that a fault of its header is told at once, however large the file is.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

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
from survey.readers.held import held
from survey.readers.raw import MAX_FIELDS, Grid, RawTable, refuse, refuse_large
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
T = TypeVar("T")
PLATFORMS = (*GRIDS, *BINARIES)

# At some 10 MB a second an hour's reading ends here far sooner, and its columns take up to half as much memory.
MAX_BYTES = 8 * 2**30

__all__ = ["PLATFORMS", "RawTable", "read_header", "read_table"]


def read_table(
    path: str | os.PathLike[str],
    *,
    platform: str | None = None,
    layout: Layout | None = None,
    check: Callable[[list[str]], None] | None = None,
) -> RawTable:
    """Read a file as text, one row an answer (or a line of a log or registry).

    Parameters
    ----------
    path : path
        CSV, XLSX, XLS, Parquet, SPSS (.sav) or Stata (.dta). Its kind is recognised by its first bytes, not by its name.
    platform : str, optional
        Which tool exported it, one of `PLATFORMS`; None: recognised by content.
    layout : Layout, optional
        The file's entry in wave.yaml: encoding, delimiter, sheet, first header row.
    check : callable, optional
        Called with the names of the columns as soon as they are known, before the rows are read; it may refuse them.

    Returns
    -------
    RawTable
        ``.frame`` of text (empty cell: empty text), index = row number in the file, made when it is asked for; ``.columns``,
        ``.index`` and ``.column(name)`` give the same without it, in little memory; ``.platform``, ``.labels``, ``.multiple``
        and what else the platform says of its columns and rows.

    Raises
    ------
    survey.Refused
        With what was seen and what to do; nothing of the file's content is in the message.

    Notes
    -----
    Reading that lasts longer than two seconds says how far it is: INFO records of the logger ``survey``.
    """
    return _of_file(path, platform, layout, partial(_read, check=check))


def read_header(
    path: str | os.PathLike[str], *, platform: str | None = None, layout: Layout | None = None
) -> list[str]:
    """Give the names of the columns that `read_table` would give, from a file's first rows alone.

    Parameters
    ----------
    path, platform, layout
        As for `read_table`.

    Returns
    -------
    list of str
        ``.columns`` of the table. For SPSS, Stata and XLS the whole file is read.

    Raises
    ------
    survey.Refused
        For what is wrong with the file's beginning; what is wrong further down is found by `read_table`.
    """
    return _of_file(path, platform, layout, _read_header)


def _of_file(
    path: str | os.PathLike[str],
    platform: str | None,
    layout: Layout | None,
    read: Callable[[Path, str | None, Layout], T],
) -> T:
    """What is read of a file that does not change meanwhile."""
    place, layout = Path(path), layout or Layout()
    if platform is not None and platform not in PLATFORMS:
        _refuse_platform(place, platform)
    try:
        with held(place) as path:
            _refuse_size(path, path.stat().st_size)
            found = read(path, platform, layout)
    except OSError:
        refuse(
            place, "this file cannot be read; check its permissions and the disk", "无法读取该文件；请检查权限和磁盘"
        )
    return found


def _refuse_size(path: Path, size: int) -> None:
    if size == 0:
        refuse(path, "the file is empty (0 bytes); export it again", "文件为空（0 字节）；请重新导出")
    if size > MAX_BYTES:
        most = f"{MAX_BYTES / 2**30:g} GB"
        refuse(
            path,
            f"the file has {size / 2**30:,.1f} GB; at most {most} are read. Export it in parts, one for each organisation, or "
            "save it as Parquet, which is far smaller",
            f"文件有 {size / 2**30:,.1f} GB，最多读取 {most}；请按组织分成几个文件导出，或另存为小得多的 Parquet 格式",
        )


def _read(path: Path, platform: str | None, layout: Layout, check: Callable[[list[str]], None] | None) -> RawTable:
    if binary := _binary(path, platform):
        raw, whole = BINARIES[binary][1](path, layout), True
    else:
        grid = files.open_grid(path, layout, top=True)
        raw, whole = _interpreted(grid, platform), grid.whole  # refuses a header at fault
    if whole:
        _refuse_empty(path, raw)
    if check is not None and raw.columns:
        check(raw.columns)
    if not whole:
        raw = _interpreted(files.open_grid(path, layout), platform)
        _refuse_empty(path, raw)
    return raw


def _read_header(path: Path, platform: str | None, layout: Layout) -> list[str]:
    if binary := _binary(path, platform):
        return BINARIES[binary][1](path, layout).columns
    return _interpreted(files.open_grid(path, layout, top=True), platform).columns


def _binary(path: Path, platform: str | None) -> str | None:
    """The platform whose own kind of file this is, if it is one."""
    with path.open("rb") as file:
        magic = file.read(16)
    binary = next((name for name, (recognises, _) in BINARIES.items() if recognises(magic)), None)
    if platform in BINARIES:
        return platform
    if binary and platform is not None:
        refuse(path, f"this is a file of {binary}, not of {platform}", f"这是 {binary} 文件，不是 {platform} 文件")
    return binary


def _interpreted(grid: Grid, platform: str | None) -> RawTable:
    if grid.lengths[0] > MAX_FIELDS:  # before it is asked whose export it is, which looks at every field
        refuse_large(grid.path)
    return GRIDS[platform or recognised(grid)][1](grid)


def recognised(grid: Grid) -> str:
    """Name the platform whose export a grid is; ``plain`` where none claims it."""
    return next(name for name, (recognises, _) in GRIDS.items() if recognises(grid))


def _refuse_platform(path: Path, platform: str) -> None:
    known = ", ".join(PLATFORMS)
    en = f"the platform “{platform}” is not known here; known: {known}"
    raise Refused([Fault(path.name, 0, en, f"未知的平台“{platform}”；可用：{known}")])


def _refuse_empty(path: Path, raw: RawTable) -> None:
    blank = not any(column.any(str.strip) for column in raw.encoded)
    if blank and raw.ragged:
        refuse(
            path,
            "every row is shorter than the header; check the delimiter",
            "所有行都短于表头；请检查分隔符",
            raw.ragged[0],
        )
    if blank:
        refuse(path, "there is a header but no rows; export it again", "只有表头，没有数据行；请重新导出")
