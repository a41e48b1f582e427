"""A proposed wave.yaml as text: every line of the mapping with its confidence and why, in both languages, for a person to read.

What is not sure enough stands commented out. Nothing of a file's cells is in it: headings, shares and days of the fieldwork alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import yaml

from survey.proposal.mapping import SURE_FROM, Row
from survey.schema import Layout

if TYPE_CHECKING:
    from survey.proposal.new_wave import Draft, FileDraft

LONGEST_KEY = 1000  # YAML wants longer keys marked
WIDTH = 44
LONGEST_WORDING = 60
_HEAD = """\
# A PROPOSAL, made by workbench new-wave. Nothing runs before a person has read it.
# 这是 workbench new-wave 生成的建议，须经人工确认后才能运行。
#   1. Read every line of `columns`; correct what is wrong. The number is how sure the proposal is.
#      逐行核对 columns 并改正；百分数表示把握程度。
#   2. "# ? " is not sure enough: delete these signs to take the line. "# - " found nothing. "# ! " must not be mapped.
#      “# ? ”把握不足，确认后删去这几个符号即可启用；“# - ”没有找到对应；“# ! ”不得对应。
#   3. Delete the line `status: proposed`, then run: workbench check {study} {wave}
#      删除 status: proposed 一行，然后运行上述命令。
"""


def wave_yaml(draft: Draft) -> str:
    """Write a proposed wave.yaml.

    Parameters
    ----------
    draft : Draft

    Returns
    -------
    str
        YAML that `survey.open_study` reads, with ``status: proposed``.
    """
    return (
        "\n".join(
            [
                _HEAD.format(study=draft.study.name, wave=draft.wave),
                *_top(draft),
                "files:",
                *_files(draft),
                *_end(draft),
            ]
        )
        + "\n"
    )


def scalar(text: str) -> str:
    """Write a text as a YAML scalar on one line that reads back as it is."""
    style = '"' if not text.isprintable() or text != text.strip() else None
    dumped = yaml.safe_dump(text, allow_unicode=True, width=float("inf"), default_style=style)
    return dumped.removesuffix("\n").removesuffix("...").removesuffix("\n")


def remark(text: str) -> str:
    """Write a text so that it can stand in a comment: one line of printable signs."""
    return "".join(sign for sign in " ".join(text.split()) if sign.isprintable())


def _top(draft: Draft) -> Iterator[str]:
    last = draft.last.settings if draft.last else None
    yield f"wave: {scalar(draft.wave)}"
    yield "status: proposed   # delete this line once everything below is right · 全部核对无误后删除此行"
    yield "# title: {en: ..., zh: ...}"
    yield "fieldwork:"
    why = "from the times in the files; correct it · 取自文件中的时间，请核对" if draft.days else "fill in · 请填写"
    for key, day in zip(("start", "end"), draft.days or ("", ""), strict=True):
        yield f"  {key}: {day}   # {why}"
    yield f"mode: {last.mode if last else 'online'}   # {_as_last(last is not None)}"
    same = last is not None and last.instrument == draft.version
    best = "the version whose items are best found · 题目最相符的版本"
    yield f"instrument: {scalar(draft.version)}   # {_as_last(same) if same or last is None else best}"


def _as_last(same: bool) -> str:
    return "as last time; correct it · 与上次相同，请核对" if same else "a guess; correct it · 仅为猜测，请核对"


def _files(draft: Draft) -> Iterator[str]:
    for file in draft.files:
        yield f"  - file: {scalar(file.file)}"
        yield f"    holds: {file.proposal.holds}   # {file.proposal.fit:.0%}  {_like(file)}"
        yield f"    platform: {file.platform}   # recognised by content · 按内容识别"
        yield from _layout(file.layout)
        yield "    columns:"
        yield from (f"      {line}" for row in file.proposal.rows for line in _row(draft, row))
        yield from _carried(file)


def _like(file: FileDraft) -> str:
    if file.like is None:
        return "the kind that fits best · 最相符的种类"
    name = remark(file.like.file)
    return f"like {name} last time · 与上次的 {name} 相似"


def _layout(layout: Layout) -> Iterator[str]:
    changed = layout.model_dump(exclude_defaults=True)
    if changed:
        yield "    layout:"
        yield from (f"      {key}: {scalar(str(value))}" for key, value in changed.items())


def _row(draft: Draft, row: Row) -> Iterator[str]:
    key = scalar(row.header)
    if row.barred:
        yield f"# ! {key}   # do not map: it identifies people · 含可识别个人的信息，请勿对应"
    elif not row.target:
        yield f"# - {key}   # {'the platform’s own · 平台自带' if row.metadata else 'nothing found · 未找到对应'}"
    elif len(key) > LONGEST_KEY:
        mark = "" if row.proposed else "# ? "
        yield f"{mark}? {key}"
        yield f"{mark}: {scalar(row.target)}   # {_why(draft, row)}"
    else:
        yield f"{'' if row.proposed else '# ? '}{key}: {scalar(row.target)}".ljust(WIDTH) + f"   # {_why(draft, row)}"


def _why(draft: Draft, row: Row) -> str:
    en, zh = "; ".join(r.en for r in row.reasons), "；".join(r.zh for r in row.reasons)
    parts = [f"{row.confidence:.0%}"]
    if row.confidence < SURE_FROM and row.runner_up:
        parts.append(f"or {row.runner_up}? · 或为 {row.runner_up}？")
    if row.confidence < SURE_FROM and (asked := _wording(draft, row)):
        parts.append(f"“{asked}”")
    return remark("  ".join([*parts, f"{en} · {zh}" if en else ""]))


def _wording(draft: Draft, row: Row) -> str:
    """What the item asks, in the language of the heading."""
    name = row.target.partition("=")[0]
    item = next((i for i in draft.study.items if i.name == name and i.asked_in(draft.version)), None)
    if item is None:
        return ""
    text = item.wording.zh if re.search(r"[\u4e00-\u9fff]", row.header) else item.wording.en
    return text if len(text) <= LONGEST_WORDING else f"{text[:LONGEST_WORDING]}…"


def _carried(file: FileDraft) -> Iterator[str]:
    """What the last wave declared for such a file and still can be said of this one."""
    if file.separator:
        yield f"    separator: {scalar(file.separator)}"
    if file.like is None:
        return
    targets, headers = set(file.proposal.columns.values()), {row.header for row in file.proposal.rows}
    carried: dict[str, dict[str, Any]] = {
        "values": {role: said for role, said in file.like.values.items() if role in targets},
        "took_part": {role: said for role, said in file.like.took_part.items() if role in targets},
        "tests": {header: said for header, said in file.like.tests.items() if header in headers},
    }
    for key, said in carried.items():
        if said:
            yield f"    {key}:   # as last time; correct it · 与上次相同，请核对"
            yield from (f"      {scalar(name)}: {_flow(texts)}" for name, texts in said.items())
    if file.like.key and set(file.like.key) <= targets:
        yield f"    key: {_flow(file.like.key)}"


def _flow(said: Any) -> str:
    plain = dict(said) if isinstance(said, dict) else list(said)
    return yaml.safe_dump(
        plain, allow_unicode=True, width=float("inf"), default_flow_style=True, sort_keys=False
    ).strip()


def _end(draft: Draft) -> Iterator[str]:
    last = draft.last.settings if draft.last else None
    if last and last.not_reporting:
        groups = ", ".join(remark(group) for group in last.not_reporting)
        yield f"# not_reporting: [{groups}]   # as last time: still so? · 上次未报送活动记录的组织；本次是否仍如此？"
    if last and last.decisions:
        yield "# decisions: []   # those of last time do not hold on; see the checklist · 上次的决定不自动沿用，见清单"
