"""Exports of Wenjuanxing (问卷星), by text (按文本), by option number (按序号) or by score (按分数).

One header row, one row a submitted answer. The tool's own columns stand first: 序号, 提交答卷时间, 所用时间, 来源, 来源详情,
来自IP, 总分. Headings are ``1、stem``; where numbers are switched off, the stem alone.
By text, options of one answer are joined by U+250B, an option's own text stands behind it in 〖〗, a ranking is joined by →;
``(跳过)`` was not asked, ``(空)`` is empty. By number, a choice is its option's place, and a multiple-response question has a 0/1
column an option: ``第6题(option)``, ``6(option)``, ``6、stem(option)`` with ``6(next option)`` after it, ``6、stem:option``;
-3 was not asked, -2 is empty. A matrix is ``7、stem—item`` or ``7、stem - item``; its further rows may have their item alone
as heading, so headings may repeat.
Sources: public exports and scripts that read them (reportgen's 800 answers in both forms; surveys of 2020 to 2026).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import takewhile

from survey.readers.raw import Grid, RawTable, once, table

SEPARATOR = "┋"
FIELDS = {
    "序号": "respondent",
    "提交答卷时间": "submitted",
    "开始答题时间": "started",
    "所用时间": "seconds",
    "来源": "source",
    "来源详情": "person",  # from a link of one's own or a list of contacts: name, mobile number
    "来自IP": "person",
    "总分": "other",
}
# What it may put between them; a question may be called so too, so only left of the last of them.
OPTIONAL = {
    "答卷编号": "respondent",
    "用户ID": "person",
    "用户": "person",
    "昵称": "person",
    "微信昵称": "person",
    "姓名": "person",
    "手机": "person",
    "手机号": "person",
    "邮箱": "person",
    "答题设备": "other",
    "自定义参数": "other",
}
# Where the answer came from, behind its address; a question may be called so too, so only before numbered headings.
BEHIND = {
    **dict.fromkeys(("国家", "国家和地区", "省", "省份", "市", "城市", "来自省份", "来自城市", "用户ID"), "person"),
    **dict.fromkeys(("浏览器", "操作系统", "设备", "设备类型", "答题设备"), "other"),
}
NOT_ASKED = ("(跳过)", "(空)", "（跳过）", "（空）")
NOT_ASKED_CODES = ("-3", "-2")
_OWN = ("提交答卷时间", "所用时间", "来源详情", "来自IP")
_HEADING = re.compile(r"(\d+)、.+", re.DOTALL)
_OLD_OPTION = re.compile(r"第(\d+)题\s*\(.+\)", re.DOTALL)
_OPTION_ALONE = re.compile(r"第\d+题\s*\(|\d+[、.．]?\s*\(")
_NUMBER = re.compile(r"第(\d+)题\s*|(\d+)(?:\s*[、.．]\s*|\s+|(?=\())")
_DASH = re.compile(r"(?<!—)—(?!—)")
_SEVERAL = re.compile(r"[(（\[【][^(（\[【)）\]】不非]*多选[^(（\[【)）\]】]*[(（\[【)）\]】]")
_WHOLE = re.compile(r"-?\d+")
_TICK = re.compile(r"[01]|1〖.*〗", re.DOTALL)


@dataclass(frozen=True, slots=True)
class _Option:
    """A heading read as an option of a question.

    Attributes
    ----------
    number : str
        The question's number; empty: none is written.
    question : str
        What stands before the option, its number with it.
    stem : str
        The same without the number; empty in ``6(option)``.
    option : str
        The option.
    """

    number: str
    question: str
    stem: str
    option: str


def recognises(grid: Grid) -> bool:
    """Whether a grid is such an export: by two of its own words, one and its numbered headings, or these and its signs."""
    head = grid.head()
    own = sum(name in head for name in _OWN)
    numbered = sum(bool(_HEADING.fullmatch(name)) for name in head)
    if own > 2 or (own and "序号" in head and (own > 1 or numbered)):
        return True
    old = [match[1] for match in map(_OLD_OPTION.fullmatch, head) if match]
    if numbered and len(old) > len(set(old)):
        return True
    return numbered > 1 and any(SEPARATOR in cell for row in grid.top[1:] for cell in row)


def read(grid: Grid) -> RawTable:
    """Read a grid; see `survey.read_table`.

    Returns
    -------
    RawTable
        Names are the headings; one that stands several times is numbered. ``.wording`` holds the whole question of a column
        whose heading has but its item or option. In ``.multiple`` a question is called by its heading without the option.
        A multiple-response question of the text form to which nobody gave two options is known by (多选) in its heading alone.
    """
    names = _without_end(grid.head())
    columns = once(names)
    raw = table(grid, "wenjuanxing", columns, 1, metadata=_metadata(names, columns))
    questions = [n for n, column in enumerate(raw.columns) if column not in raw.metadata]
    seen = {n: {cell.strip() for cell in raw.encoded[n].distinct()} - {""} for n in questions}
    runs = [run for run in _runs(names, questions) if _ticks(seen, list(run))]
    joined = [n for n in questions if _joined(names[n], seen[n], numbers=bool(runs))]
    keys = once([*(_question(run) for run in runs), *(columns[n] for n in joined)])
    members = [*([columns[n] for n in run] for run in runs), *([columns[n]] for n in joined)]
    return replace(
        raw,
        multiple=dict(zip(keys, members, strict=True)),
        separator=SEPARATOR if joined else "",
        wording=_wording(names, columns, runs, seen),
        no_answer=_no_answer(columns, seen, numbers=bool(runs)),
    )


def _without_end(cells: list[str]) -> list[str]:
    """A heading row without blanks at its end, which would otherwise be numbered as if they were names."""
    while cells and not cells[-1]:
        cells.pop()
    return cells


def _metadata(names: list[str], columns: list[str]) -> dict[str, str]:
    last = max((n for n, name in enumerate(names) if name in FIELDS), default=-1)
    kinds = {n: FIELDS.get(name) or (n < last and _optional(name)) for n, name in enumerate(names)}
    behind = list(takewhile(lambda n: names[n] in BEHIND, range(last + 1, len(names)))) if last >= 0 else []
    if _NUMBER.match("".join(names[last + 1 + len(behind) :][:1])):
        kinds |= {n: BEHIND[names[n]] for n in behind}
    return {columns[n]: kind for n, kind in kinds.items() if kind and names[n] not in names[:n]}


def _optional(name: str) -> str:
    return OPTIONAL.get(name, "person" if name.startswith("用户信息") else "")


def _runs(names: list[str], questions: list[int]) -> list[dict[int, _Option]]:
    """Neighbours that are options of one question, as many as can be."""
    runs: list[dict[int, _Option]] = []
    n, asked = 0, set(questions)
    while n < len(names):
        starts = [option for option in _options(names[n]) if option.question] if n in asked else []
        best = max((_run(names, n, option) for option in starts), key=len, default={})
        if len(best) > 1:
            runs.append(best)
        n += max(len(best), 1)
    return runs


def _run(names: list[str], start: int, first: _Option) -> dict[int, _Option]:
    found = {start: first}
    for n in range(start + 1, len(names)):
        fitting = [o for o in _options(names[n]) if o.number == first.number and o.stem in ("", first.stem)]
        if not fitting or fitting[0].option in [option.option for option in found.values()]:
            break
        found[n] = fitting[0]
    return found


def _options(name: str) -> list[_Option]:
    """The ways in which a heading can be read as an option: in the brackets at its end, or behind the first colon."""
    number = _NUMBER.match(name)
    at = number.end() if number else 0
    bracket, colon = _bracket(name, at), re.search("[:：]", name[at:])
    cuts = [] if bracket is None else [(bracket, name[bracket + 1 : -1].strip())]
    if colon and name[at + colon.end() :].strip():
        cuts.append((at + colon.start(), name[at + colon.end() :].strip()))
    which = (number[1] or number[2]) if number else ""
    return [_Option(which, name[:cut].strip().rstrip("、.．"), name[at:cut].strip(), option) for cut, option in cuts]


def _bracket(name: str, at: int) -> int | None:
    """Where the bracket opens that closes at a heading's end; behind the number, where an option has a bracket too many."""
    depth = 0
    for n in range(len(name) - 1, at - 1, -1) if name.endswith(")") else ():
        depth += (name[n] == ")") - (name[n] == "(")
        if not depth:
            return n
    return at if name.endswith(")") and name[at] == "(" else None


def _ticks(seen: dict[int, set[str]], run: list[int]) -> bool:
    """Whether a run holds 0 and 1 alone: a matrix counts its options from 1, a ranking its ranks."""
    cells = set().union(*(seen.get(n, {""}) for n in run)) - set(NOT_ASKED_CODES)
    return "0" in cells and len(cells) > 1 and all(_TICK.fullmatch(cell) for cell in cells)


def _joined(name: str, cells: set[str], *, numbers: bool) -> bool:
    """Whether a column holds several options in a cell; several blanks are joined so too, and may be empty each."""
    several = [cell.split(SEPARATOR) for cell in cells if SEPARATOR in cell]
    if several:
        return not any(part.strip() in NOT_ASKED for parts in several for part in parts)
    told = bool(cells) and not numbers and not all(_WHOLE.fullmatch(cell) for cell in cells - set(NOT_ASKED))
    return told and bool(_SEVERAL.search(name))


def _question(run: dict[int, _Option]) -> str:
    return next(iter(run.values())).question


def _wording(
    names: list[str], columns: list[str], runs: Sequence[dict[int, _Option]], seen: dict[int, set[str]]
) -> dict[str, str]:
    """The whole question of the columns whose heading is but an option or a matrix' item, or was numbered."""
    found = {columns[n]: names[n] for n in seen if columns[n] != names[n]}
    found |= {columns[n]: text for n, text in _items(names, seen).items()}
    for run in runs:
        if next(iter(run.values())).stem:
            found |= {columns[n]: f"{_question(run)}({o.option})" for n, o in run.items() if not o.stem}
    return found


def _items(names: list[str], seen: dict[int, set[str]]) -> dict[int, str]:
    """Columns behind a matrix' first that have no number of their own and hold some of its answers."""
    found: dict[int, str] = {}
    stem, number, answers = "", 0, set[str]()
    for n, cells in seen.items():
        heading, dashes = _HEADING.fullmatch(names[n]), list(_DASH.finditer(names[n]))
        if heading and int(heading[1]) >= number:
            stem, number = (names[n][: dashes[-1].start()] if dashes else ""), int(heading[1])
            answers = cells - {*NOT_ASKED, *NOT_ASKED_CODES}
        elif _OPTION_ALONE.match(names[n]) or not cells & answers:
            stem = ""
        elif stem:
            found[n] = f"{stem}—{names[n]}"
    return found


def _no_answer(columns: list[str], seen: dict[int, set[str]], *, numbers: bool) -> dict[str, tuple[str, ...]]:
    """The words of the text form; the codes of the number form, but where a column has other negative numbers, as scores have."""
    everything = set().union(*seen.values())
    words = tuple(word for word in NOT_ASKED if word in everything)
    found = {"*": words} if words else {}
    if not numbers and (words or not _mostly_numbers(seen)):
        return found
    for n, cells in seen.items():
        codes = tuple(code for code in NOT_ASKED_CODES if code in cells)
        if codes and not any(re.fullmatch(r"-\d+(\.\d+)?", cell) for cell in cells - set(codes)):
            found[columns[n]] = codes
    return found


def _mostly_numbers(seen: dict[int, set[str]]) -> bool:
    answered = [cells for cells in seen.values() if cells]
    return 2 * sum(all(_WHOLE.fullmatch(cell) for cell in cells) for cells in answered) > len(answered)
