"""What stands between the files of a study folder: names that point to nothing, mappings that lead nowhere.

Each file by itself is checked where it is read (`survey.typed`, `survey.instrument`, `survey.places`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from survey.faults import Fault, Refused
from survey.folder import Document, place
from survey.instrument import Item
from survey.places import DIGITS
from survey.schema import NAME, REGISTRY_COUNTS, RESERVED, ROLES, FileEntry, StudyFile, WaveFile, needed_roles
from survey.sealed_record import read_record
from survey.typed import Typed, Where


@dataclass(frozen=True, slots=True)
class Known:
    """What was read of a study folder, with or without fault.

    Attributes
    ----------
    folder : Path
        The study's folder.
    settings : StudyFile
        ``study.yaml``; broken parts are left out.
    document : Document
        Its text with its lines.
    broken : frozenset of str
        Keys of ``study.yaml`` that were left out: what hangs on them is not checked.
    items : tuple of Item
        Items without fault.
    doubtful : mapping or None
        Items with a fault and the scale they name; None where ``instrument.csv`` could not be read at all.
    groups : DataFrame
        ``code, en, zh``.
    places : DataFrame or None
        As in `survey.places.table`; None where the table could not be read.
    """

    folder: Path
    settings: StudyFile
    document: Document
    broken: frozenset[str]
    items: tuple[Item, ...]
    doubtful: Mapping[str, str] | None
    groups: pd.DataFrame
    places: pd.DataFrame | None

    def has_item(self, name: str) -> bool:
        """Whether the instrument names it, in whatever state."""
        return self.doubtful is None or name in self.doubtful or any(i.name == name for i in self.items)

    @property
    def levels(self) -> frozenset[str]:
        """Levels of the study's places."""
        if self.places is None:
            return frozenset()
        to = self.settings.places.to if self.settings.places else None
        by_digits = list(DIGITS)[1 : list(DIGITS).index(to) + 1] if to else ()
        return frozenset({*self.places["level"], *by_digits})


def study_faults(known: Known) -> Iterator[Fault]:
    """Faults of ``study.yaml`` against the folder's name, the instrument, the groups and the places."""
    if known.settings.name != known.folder.name and "name" not in known.broken:
        yield _at(
            known.document,
            ("name",),
            f"the name must be the folder's name, “{known.folder.name}”",
            f"name 必须与文件夹名“{known.folder.name}”相同",
        )
    if known.doubtful is not None and not {"scales", "code_sets"} & known.broken:
        yield from _scale_faults(known, known.doubtful)
        yield from _service_faults(known)
        yield from _age_faults(known)
        yield from _step_faults(known)
    yield from _level_faults(known)
    if not {"groups", "places", "code_sets", "scales"} & known.broken and known.places is not None:
        yield from _cut_faults(known)
        yield from _margin_faults(known)


def _at(document: Document, path: Where, en: str, zh: str) -> Fault:
    return Fault(document.file, document.line(path), en, zh)


def _scale_faults(known: Known, doubtful: Mapping[str, str]) -> Iterator[Fault]:
    for scale in known.settings.scales:
        parts = [i for i in known.items if i.scale == scale and i.name != scale]
        own = [i for i in known.items if i.name == scale]
        if not parts and not own and scale not in doubtful and scale not in doubtful.values():
            yield _at(
                known.document,
                ("scales", scale),
                f"the scale “{scale}” has no items in instrument.csv, and no item of its own name brings its score",
                f"量表“{scale}”在 instrument.csv 中没有题目，也没有同名题目提供得分",
            )
        if parts and own:
            yield _at(
                known.document,
                ("scales", scale),
                f"“{scale}” is the name of a scale with items and of an item; give the item another name",
                f"“{scale}”既是含题目的量表，又是题目名；请给题目换一个名称",
            )
        if any(not i.numeric for i in own):
            yield _at(
                known.document,
                ("scales", scale),
                f"the item “{scale}” that brings the score of this scale must be a number",
                f"提供量表得分的题目“{scale}”必须是数值",
            )
        if _differ_in_limits(parts):
            yield _at(
                known.document,
                ("scales", scale),
                f"items of “{scale}” have different lowest or highest values; their mean has no meaning",
                f"“{scale}”的题目取值范围不同；平均没有意义",
            )


def _differ_in_limits(items: Iterable[Item]) -> bool:
    """Whether the items of a scale, each in its last form, have different limits."""
    newest = {item.name: (item.lowest, item.highest) for item in items}
    return len(set(newest.values())) > 1


def _service_faults(known: Known) -> Iterator[Fault]:
    for service, parts in known.settings.services.items():
        for part in ("need", "rating", "urgency", "aware", "used"):
            item = getattr(parts, part)
            if item is not None and not known.has_item(item):
                yield _at(
                    known.document,
                    ("services", service, part),
                    f"the item “{item}” is not in instrument.csv",
                    f"题目“{item}”不在 instrument.csv 中",
                )


def _step_faults(known: Known) -> Iterator[Fault]:
    for name, step in known.settings.steps.items():
        path = ("steps", name)
        for item in (i for i in step.items if not known.has_item(i)):
            yield _at(
                known.document,
                path,
                f"the item “{item}” is not in instrument.csv",
                f"题目“{item}”不在 instrument.csv 中",
            )
        forms = [i for i in known.items if i.name in step.items]
        codes = {c for i in forms for c in (i.codes.codes if i.codes else ())}
        for code in (c for c in step.codes or () if forms and c not in codes and not _within(c, forms)):
            yield _at(
                known.document,
                path,
                f"the code “{code}” is no code of {', '.join(step.items)}",
                f"编码“{code}”不是 {'、'.join(step.items)} 的编码",
            )


def _within(code: str, items: Iterable[Item]) -> bool:
    """Whether a code is a number within the limits of an item without codes."""
    try:
        value = float(code)
    except ValueError:
        return False
    return any(i.codes is None and i.numeric and i.lowest <= value <= i.highest for i in items)


def _age_faults(known: Known) -> Iterator[Fault]:
    rule = known.settings.rules.least_age
    if rule and known.has_item(rule.item) and any(i.name == rule.item and i.kind != "number" for i in known.items):
        yield _at(
            known.document,
            ("rules", "least_age", "item"),
            f"the item “{rule.item}” must be a number, the age in years",
            f"题目“{rule.item}”应为数值（周岁）",
        )
    if rule and not known.has_item(rule.item):
        yield _at(
            known.document,
            ("rules", "least_age", "item"),
            f"the item “{rule.item}” is not in instrument.csv",
            f"题目“{rule.item}”不在 instrument.csv 中",
        )


def _level_faults(known: Known) -> Iterator[Fault]:
    """Levels become columns of the panel: they must not be called as another column is."""
    taken = {i.name for i in known.items} | set(known.settings.scales) | RESERVED
    for level in sorted(known.levels):
        if level in taken or not NAME.fullmatch(level):
            yield _at(
                known.document,
                ("places",),
                f"a level of places is called “{level}”; use a-z 0-9 _, and not the name of a role, an item or a scale",
                f"地区层级“{level}”的名称不可用：请用 a-z 0-9 _，且不得与角色、题目或量表同名",
            )


def _cut_faults(known: Known) -> Iterator[Fault]:
    settings = known.settings
    columns = {i.name for i in known.items if i.kind == "choice" and not i.scale and i.name not in settings.scales}
    columns |= {"in_need"} & set(settings.steps)
    columns |= _units(settings) | set(known.doubtful if known.doubtful is not None else sum(settings.cuts, ()))
    for n, cut in enumerate(settings.cuts):
        for column in sorted(set(cut) - columns):
            yield _at(
                known.document,
                ("cuts", n),
                f"“{column}” is not a choice item outside all scales, and not a group or region of this study",
                f"“{column}”不是（不属于任何量表的）选择题，也不是本研究的组织或地区",
            )
        if len(set(cut)) < len(cut) or set(cut) in [set(other) for other in settings.cuts[:n]]:
            yield _at(
                known.document,
                ("cuts", n),
                "this cut stands twice, or names a column twice",
                "此切分重复，或重复列出了同一列",
            )


def _units(settings: StudyFile) -> set[str]:
    return ({"group"} if settings.groups else set()) | ({"region"} if settings.places else set())


def _margin_faults(known: Known) -> Iterator[Fault]:
    settings = known.settings
    columns = known.levels | ({"group"} if settings.groups else set())
    for n, margin in enumerate(settings.weights.margins if settings.weights else ()):
        for column in sorted(set(margin) - columns) or ([] if margin else ["-"]):
            yield _at(
                known.document,
                ("weights", "margins", n),
                f"“{column}” is not a level of the study's places, and not its groups",
                f"“{column}”不是本研究的地区层级，也不是组织",
            )


def wave_faults(known: Known, folder: Path, wave: Typed[WaveFile]) -> Iterator[Fault]:
    """Faults of a ``wave.yaml`` against its folder, the instrument and the study."""
    document, settings = wave.document, wave.settings
    if settings is None:
        return
    if settings.wave != folder.name:
        yield _at(
            document,
            ("wave",),
            f"wave must be the folder's name, “{folder.name}”",
            f"wave 必须与文件夹名“{folder.name}”相同",
        )
    for n, group in enumerate(settings.not_reporting if len(known.groups) else ()):
        if group not in set(known.groups["code"]):
            yield _at(document, ("not_reporting", n), f"“{group}” is not the code of a group", f"“{group}”不是组织编码")
    broken = {path[1] for path in wave.broken if path[0] == "files" and len(path) > 1}
    for n, entry in enumerate(settings.files if ("files",) not in wave.broken else ()):
        if n not in broken:
            yield from _entry_faults(known, folder, document, settings, n, entry)
    if not broken:
        yield from _file_list_faults(document, settings)


def _file_list_faults(document: Document, settings: WaveFile) -> Iterator[Fault]:
    entries = [(e.file, e.holds, e.layout.sheet) for e in settings.files]
    for n, entry in enumerate(entries):
        if entry in entries[:n]:
            yield _at(
                document,
                ("files", n, "file"),
                f"“{entry[0]}” stands here for the second time; keep one",
                f"“{entry[0]}”在此第二次出现；请只保留一个",
            )
    for n, decision in enumerate(settings.decisions):
        if decision.accept not in {file for file, _, _ in entries}:
            yield _at(
                document,
                ("decisions", n, "accept"),
                f"“{decision.accept}” is not a file of this wave",
                f"“{decision.accept}”不是本次调查的文件",
            )


def _entry_faults(
    known: Known, folder: Path, document: Document, settings: WaveFile, n: int, entry: FileEntry
) -> Iterator[Fault]:
    try:
        if entry.file not in read_record(folder) or (folder / entry.file).exists():  # what was sealed need not be there
            place(folder, entry.file)
    except Refused as refused:
        yield from (
            _at(document, ("files", n, "file"), f"{entry.file}: {f.en}", f"{entry.file}：{f.zh}")
            for f in refused.faults
        )
    yield from _mapping_faults(known, document, settings, n, entry)
    yield from _lacking(known, document, n, entry)
    yield from _idle(document, n, entry)


def _mapping_faults(known: Known, document: Document, settings: WaveFile, n: int, entry: FileEntry) -> Iterator[Fault]:
    asked = {i.name: i for i in known.items if i.asked_in(settings.instrument)}
    doubted = known.doubtful is None or bool({"code_sets", "scales"} & known.broken)
    for header, target in entry.columns.items():
        name, sign, code = target.partition("=")
        leads = target in ROLES[entry.holds] or (entry.holds == "answers" and _fits(asked.get(name), sign, code))
        unclear = entry.holds == "answers" and (doubted or name in (known.doubtful or ()))
        if not leads and not unclear:
            yield _at(
                document,
                ("files", n, "columns", header),
                f"“{target}” is neither a role of {entry.holds} nor an item of instrument version {settings.instrument} "
                "(a multiple item with a code of its own: item=code)",
                f"“{target}”既不是 {entry.holds} 的角色，也不是问卷第 {settings.instrument} 版的题目"
                "（多选题可写 题目=编码）",
            )
    for target, count in Counter(entry.columns.values()).items():
        if count > 1:
            yield _at(
                document,
                ("files", n, "columns"),
                f"two columns are mapped to “{target}”; keep one",
                f"有两列都对应“{target}”；请只保留一列",
            )
    both = {t.partition("=")[0] for t in entry.columns.values() if "=" in t} & set(entry.columns.values())
    for name in sorted(both):
        yield _at(
            document,
            ("files", n, "columns"),
            f"“{name}” is mapped as one column and as a column a code; keep one way",
            f"“{name}”既作一列，又按编码分列；请只保留一种",
        )


def _fits(item: Item | None, sign: str, code: str) -> bool:
    if item is None or not sign:
        return item is not None
    return item.kind == "multiple" and code in item.code_names


def _lacking(known: Known, document: Document, n: int, entry: FileEntry) -> Iterator[Fault]:
    targets = set(entry.columns.values())
    for role in (r for r in needed_roles(entry.holds, _units(known.settings)) if r not in targets):
        yield _at(
            document,
            ("files", n, "columns"),
            f"no column is mapped to “{role}”, which {entry.holds} need here",
            f"没有列对应“{role}”，而 {entry.holds} 必须有它",
        )
    if entry.holds == "registry" and targets.isdisjoint(REGISTRY_COUNTS):
        counts = ", ".join(REGISTRY_COUNTS)
        yield _at(
            document,
            ("files", n, "columns"),
            f"a registry needs at least one count: {counts}",
            f"registry 至少需要一列数目：{counts}",
        )


def _idle(document: Document, n: int, entry: FileEntry) -> Iterator[Fault]:
    """What the entry says about columns that are not mapped, or that files of its kind do not have."""
    targets = set(entry.columns.values())
    named = {"values": set(entry.values), "took_part": set(entry.took_part), "key": set(entry.key or ())}
    for key, columns in named.items():
        for column in sorted(columns - targets):
            yield _at(
                document,
                ("files", n, key, column),
                f"{key} names “{column}”, to which no column is mapped",
                f"{key} 提到“{column}”，但没有列对应它",
            )
    if entry.took_part and entry.holds != "log":
        yield _at(document, ("files", n, "took_part"), "took_part is for a log only", "took_part 只用于 log")


def organiser_faults(waves: Iterable[Typed[WaveFile]]) -> Iterator[Fault]:
    """Logs that name no organiser where other logs of the study do: their activities could be counted for nobody."""
    logs = [
        (wave.document, n, "group" in entry.columns.values())
        for wave in waves
        for n, entry in enumerate(wave.settings.files if wave.settings else ())
        if entry.holds == "log"
    ]
    for document, n, named in logs:
        if not named and any(other for _, _, other in logs):
            yield _at(
                document,
                ("files", n, "columns"),
                "no column is mapped to “group”, though other logs of the study have it; map it in all logs or in none",
                "没有列对应“group”，而本研究的其他活动记录有；请在所有活动记录中都对应，或都不对应",
            )
