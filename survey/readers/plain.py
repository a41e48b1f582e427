"""Plain tables: one header row, as one reads them. What no platform claims is read so.

Chinese web forms have no platform of their own. What their tools add beside the questions is known by its headings, where a
submitter and a time are there (提交者（自动）, 提交时间（自动）; 提交人, 提交时间, 填写设备; 填写人, 填写时间), or the three
columns of Tencent Survey (编号, 开始答题时间, 结束答题时间). Options in columns of their own are headed ``3.stem:option`` or
``stem/option``; such a column holds its option's text, or 0 and 1.
Sources: public scripts that read exports of WPS and Tencent forms, Tencent Survey and Jinshuju.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby

from survey.readers.raw import Grid, RawTable, table

FORM = {
    "编号": "respondent",
    "序号": "respondent",
    "ID": "respondent",
    "答卷ID": "respondent",
    "答卷编号": "respondent",
    **dict.fromkeys(("提交者", "提交人", "填写人", "填写者", "填表人", "答题人", "答题者", "用户标识"), "person"),
    **dict.fromkeys(("昵称", "微信昵称", "微信OpenID", "IP", "IP地址", "提交IP", "填写IP", "填写地区"), "person"),
    **dict.fromkeys(("地理位置国家和地区", "地理位置省", "地理位置市"), "person"),
    **dict.fromkeys(("提交时间", "填写时间", "结束答题时间"), "submitted"),
    **dict.fromkeys(("开始答题时间", "开始填写时间"), "started"),
    **dict.fromkeys(("答题时长", "填写时长", "填写用时", "答题用时"), "seconds"),
    **dict.fromkeys(("审核状态", "清洗数据结果"), "status"),
    **dict.fromkeys(("来源", "填写渠道", "Referrer"), "source"),
    **dict.fromkeys(("修改时间", "更新时间", "最后修改时间", "填写设备", "操作系统", "浏览器", "UA"), "other"),
    **dict.fromkeys(("用户类型", "自定义字段", "扩展属性", "智能清洗数据无效概率", "中奖时间", "中奖金额"), "other"),
}
SUBMITTERS = ("提交者", "提交人", "填写人", "填写者", "填表人", "答题人", "答题者", "昵称", "用户标识")
TIMES = ("submitted", "started")
TENCENT = {"编号", "开始答题时间", "结束答题时间"}
_TAIL = re.compile(r"[（(](自动|必填|选填)[）)]$")
_OPTION = re.compile(r"(\d+\s*[.、．][^:：]*|[^/:：]+(?=/))[:：/]+(.+)", re.DOTALL)
_BLANK = re.compile(r"_填空\d*$")
_LETTER = re.compile(r"^[A-Za-z]{1,2}[.、．]\s*")


def read(grid: Grid) -> RawTable:
    """Read a grid whose first row is the header; see `survey.read_table`.

    Returns
    -------
    RawTable
        ``.metadata`` and ``.multiple`` for exports of web forms alone; else both are empty.
    """
    metadata = _metadata(grid.head())
    raw = table(grid, "plain", grid.head(), 1, metadata=metadata)
    if metadata:
        raw.multiple.update(_multiple(raw))
    return raw


def _metadata(head: Sequence[str]) -> dict[str, str]:
    """What a web form's tool adds; nothing where that is not certain."""
    known = {name: _TAIL.sub("", name) for name in head if _TAIL.sub("", name) in FORM}
    signed = any(name in SUBMITTERS for name in known.values())
    timed = any(FORM[name] in TIMES for name in known.values())
    if (signed and timed) or set(known.values()) >= TENCENT:
        return {heading: FORM[name] for heading, name in known.items()}
    return {}


def _multiple(raw: RawTable) -> dict[str, list[str]]:
    """Neighbours that are options of one question, where their cells prove it."""
    asked = [c for c in raw.columns if c not in raw.metadata and not _BLANK.search(c)]
    parts = [(column, _OPTION.fullmatch(column)) for column in asked]
    found: dict[str, list[str]] = {}
    for stem, group in groupby(parts, key=lambda part: part[1][1].strip() if part[1] else ""):
        options = {column: match[2].strip() for column, match in group if match}
        if stem and stem not in found and len(options) > 1 and _proved(raw, options):
            found[stem] = list(options)
    return found


def _proved(raw: RawTable, options: dict[str, str]) -> bool:
    """Whether each column holds its own option's text alone, two of them at least; or all hold 0 and 1 alone."""
    cells = {column: {cell.strip() for cell in raw.of(column).distinct()} - {""} for column in options}
    if set().union(*cells.values()) == {"0", "1"}:
        return True
    said = [seen for seen in cells.values() if seen]
    return len(said) > 1 and all(
        all(_LETTER.sub("", cell) == _LETTER.sub("", options[column]) for cell in seen)
        for column, seen in cells.items()
    )
