"""Plain tables: one header row, as one reads them. What no platform claims is read so.

Chinese web forms have no platform of their own. What their tools add beside the questions is known by its headings, where a
submitter and a time are there (提交者（自动）, 提交时间（自动）; 提交人, 提交时间, 填写设备; 填写人, 填写时间), or the three
columns of Tencent Survey (编号, 开始答题时间, 结束答题时间). Options in columns of their own are headed ``3.stem:option`` or
``stem/option``; such a column holds its option's text, or 0 and 1; what was written to an option has a column behind it. Else
all options stand in one cell, with a sign between them that hangs on the tool (``┋``, ``;``, ``,``, a line break). Tencent Survey
says of an answer whether its cleaning found it invalid (无效).
Sources: public scripts that read exports of WPS and Tencent forms, Tencent Survey and Jinshuju.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
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
    **dict.fromkeys(("语言", "填写语言", "答题语言"), "language"),
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
_BLANK = re.compile(r"_填空\d*$|\[选项填空\d*\]$")
SEPARATORS = ("┋", "\n", ";", "；", "|", ",", "，", "、")
MAX_OPTIONS, MAX_SIGNS = 60, 40  # of a question, of an option
INVALID = "无效"
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
    if not metadata:
        return raw
    raw.multiple.update(_multiple(raw))
    _add_invalid(raw)
    separator, joined = _joined(raw)
    raw.multiple.update({column: [column] for column in joined})
    return replace(raw, separator=separator)


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


def _add_invalid(raw: RawTable) -> None:
    column = next((c for c in raw.metadata if c == "清洗数据结果"), None)
    lines = raw.lines(raw.of(column).where(lambda cell: cell.strip() == INVALID)) if column else ()
    if lines:
        raw.marks["spam"] = lines


def _joined(raw: RawTable) -> tuple[str, list[str]]:
    """The sign between the options of a cell, and the columns whose cells it cuts into options; nothing where none proves one."""
    taken = {*raw.metadata}.union(*raw.multiple.values())
    counts = {c: raw.of(c).counts() for c in raw.columns if c not in taken}
    found = {sign: [c for c, cells in counts.items() if _are_lists(cells, sign)] for sign in SEPARATORS}
    best = max(SEPARATORS, key=lambda sign: len(found[sign]))
    return (best, found[best]) if found[best] else ("", [])


def _are_lists(counts: Mapping[str, int], sign: str) -> bool:
    """Whether cells are lists of a question's options: few and short, none twice in one, all in one order, and they come again."""
    if not any(sign in cell.strip() for cell in counts):
        return False
    lists = [([part.strip() for part in cell.strip().split(sign)], n) for cell, n in counts.items() if cell.strip()]
    options = Counter[str]()
    for parts, n in lists:
        options.update(dict.fromkeys(parts, n))
    if len(options) > MAX_OPTIONS or any(not part or len(part) > MAX_SIGNS for part in options):
        return False
    if all(re.fullmatch(r"\d+", part) for part in options) and any(len(part) > 2 for part in options):
        return False  # 1,000
    pairs = {(a, b) for parts, _ in lists for n, a in enumerate(parts) for b in parts[n + 1 :]}
    again = sum(times > 1 for times in options.values())
    return 2 * again >= len(options) and not any((b, a) in pairs for a, b in pairs)
