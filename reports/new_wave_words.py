"""What `workbench new-wave` says to staff, in both languages: a checklist from the last wave, short enough for a deadline."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from survey.proposal.mapping import SURE_FROM
from survey.proposal.text import remark

if TYPE_CHECKING:
    from survey.proposal.mapping import Row
    from survey.proposal.new_wave import Draft

LANGUAGES = ("en", "zh")
MOST = 8  # lines of a list on the checklist; wave.yaml has all
WORDS = {
    "title": ("{study}, wave {wave}: checklist", "{study}，{wave} 波次：清单"),
    "files": ("1. Files", "1. 文件"),
    "files.none": ("This is the study's first wave.", "这是本研究的第一个波次。"),
    "file": (
        "last time {file} ({holds}, {platform}, {rows} rows); now {now}",
        "上次 {file}（{holds}，{platform}，{rows} 行）；本次 {now}",
    ),
    "file.absent": (
        "last time {file} ({holds}, {platform}, {rows} rows); nothing like it has come: ask for it",
        "上次 {file}（{holds}，{platform}，{rows} 行）；本次没有类似的文件：请催要",
    ),
    "file.new": ("new: {file} ({holds}, {platform}, {rows} rows)", "新增 {file}（{holds}，{platform}，{rows} 行）"),
    "answers": ("answers", "答卷"),
    "log": ("activity log", "活动记录"),
    "registry": ("registry", "组织登记"),
    "memberships": ("list of members", "会员名单"),
    "visits": ("visits", "走访记录"),
    "proposals": ("proposals", "提案建议"),
    "cases": ("rights cases", "维权案件"),
    "decisions": ("2. To be decided anew", "2. 须重新决定"),
    "decision": (
        "last time {office} accepted {rule} for {file}, because: {why}",
        "上次 {office} 同意接受 {file} 的 {rule}，理由：{why}",
    ),
    "decisions.none": ("Nothing was decided last time.", "上次没有作过决定。"),
    "groups": ("3. Sent no activity log last time", "3. 上次未报送活动记录"),
    "group": (
        "{group}: has it sent one now? If not: not_reporting in wave.yaml",
        "{group}：本次是否报送？若未报送，请写入 wave.yaml 的 not_reporting",
    ),
    "groups.none": ("Nobody is noted.", "没有记录。"),
    "items": ("4. Questions", "4. 题目"),
    "items.counts": (
        "asked last time: {asked}; found now: {found} (instrument {version})",
        "上次询问 {asked} 题；本次找到 {found} 题（问卷第 {version} 版）",
    ),
    "items.lacking": ("no column was found for: {names}", "没有找到对应列的题目：{names}"),
    "columns": ("5. Columns to look at", "5. 需要核对的列"),
    "column": ("{file}: {header} = {target}? {sure} sure", "{file}：{header} = {target}？把握 {sure}"),
    "column.none": ("{file}: nothing was found for {header}", "{file}：{header} 没有找到对应"),
    "column.barred": (
        "{file}: {header} identifies people; do not map it",
        "{file}：{header} 含可识别个人的信息，请勿对应",
    ),
    "columns.none": ("All columns are 90% sure or more.", "所有列的把握均在 90% 以上。"),
    "more": ("and {n} more, see wave.yaml", "另有 {n} 项，见 wave.yaml"),
    "next": ("6. What to do now", "6. 下一步"),
    "next.1": ("Open {path}. Read every line; correct what is wrong.", "打开 {path}，逐行核对，改正错误。"),
    "next.2": ("Fill in the first and last day of the fieldwork.", "填写调查的起止日期。"),
    "next.3": ("Delete the line “status: proposed”.", "删除“status: proposed”一行。"),
    "next.4": ("Run: workbench check {study} {wave}", "运行：workbench check {study} {wave}"),
    "asked": ("7. Asked last time", "7. 上次询问的题目"),
    "join": (", ", "、"),
}


def say(key: str, language: str, **parts: str) -> str:
    """Give a text in a language, its parts filled in."""
    return WORDS[key][LANGUAGES.index(language)].format(**parts)


def checklist(draft: Draft, language: str, *, whole: bool = True) -> str:
    """Write the checklist of a proposed wave.

    Parameters
    ----------
    draft : Draft
    language : {'en', 'zh'}
    whole : bool
        With the list of the items asked last time.

    Returns
    -------
    str
        Markdown; names of files, columns, items and groups, and nothing of the files' cells.
    """
    sections = {
        "files": _files(draft, language),
        "decisions": _decisions(draft, language),
        "groups": _groups(draft, language),
        "items": _items(draft, language),
        "columns": _columns(draft, language),
        "next": _next(draft, language),
    }
    if whole and draft.asked_last:
        sections["asked"] = _asked(draft, language)
    title = f"# {say('title', language, study=draft.study.name, wave=draft.wave)}"
    parts = [
        f"## {say(key, language)}\n\n" + "\n".join(f"- {line}" for line in lines) for key, lines in sections.items()
    ]
    return "\n\n".join([title, *parts]) + "\n"


def checklists(draft: Draft) -> dict[str, str]:
    """The checklist in both languages, by the names of their files."""
    return {f"checklist-{language}.md": checklist(draft, language) for language in LANGUAGES}


def _files(draft: Draft, language: str) -> list[str]:
    lines = []
    for last in draft.last_files:
        rows = "?" if last.rows is None else f"{last.rows:,}"
        parts = {"holds": say(last.holds, language), "platform": last.platform or "?", "rows": rows}
        key = "file" if last.now else "file.absent"
        lines.append(say(key, language, file=remark(last.file), now=remark(last.now), **parts))
    known = {last.now for last in draft.last_files}
    for file in (f for f in draft.files if f.file not in known):
        parts = {"holds": say(file.proposal.holds, language), "platform": file.platform, "rows": f"{file.rows:,}"}
        lines.append(say("file.new", language, file=remark(file.file), **parts))
    return lines if draft.last_files else [say("files.none", language), *lines]


def _decisions(draft: Draft, language: str) -> list[str]:
    made = draft.last.settings.decisions if draft.last else ()
    lines = [
        say("decision", language, office=remark(d.office), rule=d.rule, file=remark(d.accept), why=remark(d.why))
        for d in made
    ]
    return lines or [say("decisions.none", language)]


def _groups(draft: Draft, language: str) -> list[str]:
    silent = draft.last.settings.not_reporting if draft.last else ()
    table = draft.study.groups.set_index("code")[language].to_dict()
    lines = [say("group", language, group=f"{table.get(g, g)} ({g})") for g in silent]
    return lines or [say("groups.none", language)]


def _items(draft: Draft, language: str) -> list[str]:
    counts = {"asked": f"{len(draft.asked_last)}", "found": f"{len(draft.found)}", "version": draft.version}
    lines = [say("items.counts", language, **counts)]
    if draft.not_found and any(file.proposal.holds == "answers" for file in draft.files):
        lines.append(say("items.lacking", language, names=_listed(draft.not_found, language)))
    return lines


def _listed(names: Sequence[str], language: str) -> str:
    shown, more = say("join", language).join(names[: 2 * MOST]), len(names) - 2 * MOST
    return f"{shown} … {say('more', language, n=str(more))}" if more > 0 else shown


def _columns(draft: Draft, language: str) -> list[str]:
    """Columns that a person has to look at: barred ones, those with the least confidence, those without a target."""
    barred = draft.rows(lambda row: row.barred)
    doubted = sorted(
        draft.rows(lambda r: bool(r.target) and r.confidence < SURE_FROM), key=lambda found: found[1].confidence
    )
    nothing = draft.rows(lambda r: not r.target and not r.barred and not r.metadata)
    groups = (("column.barred", barred), ("column", doubted), ("column.none", nothing))
    lines = [line for key, found in groups for line in _most(key, found, language)]
    return lines or [say("columns.none", language)]


def _most(key: str, found: Sequence[tuple[str, Row]], language: str) -> Iterator[str]:
    for file, row in found[:MOST]:
        parts = {"header": remark(row.header)[:60], "target": row.target, "sure": f"{row.confidence:.0%}"}
        yield say(key, language, file=remark(file), **parts)
    if len(found) > MOST:
        yield say("more", language, n=str(len(found) - MOST))


def _next(draft: Draft, language: str) -> list[str]:
    parts = {"study": draft.study.name, "wave": draft.wave, "path": f"{draft.wave}/wave.yaml"}
    steps = ("next.1", "next.3", "next.4") if draft.days else ("next.1", "next.2", "next.3", "next.4")
    return [say(step, language, **parts) for step in steps]


def _asked(draft: Draft, language: str) -> list[str]:
    modules: dict[str, list[str]] = {}
    for item in {i.name: i for i in draft.study.items}.values():
        if item.name in draft.asked_last:
            modules.setdefault(item.module or "-", []).append(item.name)
    return [f"{module}: {say('join', language).join(names)}" for module, names in modules.items()]
