"""Files as they arrived, as text: one platform a file, recognised by content, and nothing changed beside the header.

A reader consumes header rows, keeps every other row and cell as text, and says what it saw (encoding, delimiter, sheet).
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from survey.faults import Fault, Refused
from survey.readers import plain
from survey.readers.raw import RawTable

if TYPE_CHECKING:
    from survey.schema import Layout

Reader = Callable[[Path, "Layout | None"], RawTable]
PLATFORMS: dict[str, Reader] = {"plain": plain.read}

__all__ = ["PLATFORMS", "RawTable", "read_table"]


def read_table(path: str | os.PathLike[str], *, platform: str | None = None, layout: Layout | None = None) -> RawTable:
    """Read a CSV, XLSX, XLS or Parquet file as text, one row an answer (or a line of a log or registry).

    Parameters
    ----------
    path : path
        The file. Its kind is recognised by its first bytes, not by its name.
    platform : str, optional
        Which tool exported it; None: recognised by content. Here: ``plain``.
    layout : Layout, optional
        The file's entry in wave.yaml: encoding, delimiter, sheet, header row.

    Returns
    -------
    RawTable
        ``.frame`` of text (empty cell: empty text), index = row number in the file; ``.labels``, ``.platform``,
        ``.multiple``.

    Raises
    ------
    survey.Refused
        With what was seen and what to do; nothing of the file's content is in the message.
    """
    if platform is not None and platform not in PLATFORMS:
        known = ", ".join(PLATFORMS)
        raise Refused(
            [
                Fault(
                    Path(path).name,
                    0,
                    f"the platform “{platform}” is not known here; known: {known}",
                    f"未知的平台“{platform}”；可用：{known}",
                )
            ]
        )
    return PLATFORMS[platform or "plain"](Path(path), layout)
