"""Faults of the study's thresholds of careless answering: those that can flag nobody are refused, as a typing error would be."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from survey.care_items import in_use, needed, there
from survey.faults import Fault
from survey.folder import Document
from survey.instrument import Item
from survey.schema import Rules, WaveFile
from survey.typed import Typed

_OF_WHAT = {
    "same_code": ("items with the same whole-number codes", "道编码相同（整数编码）的题目"),
    "longstring": ("items in a row with the same whole-number codes", "道前后相连、编码相同（整数编码）的题目"),
    "irv": ("items of scales with the same whole-number codes", "道编码相同（整数编码）的量表题目"),
    "mahalanobis": ("items of scales", "道量表题目"),
    "even_odd": ("scales of two items or more", "个含两道或更多题目的量表"),
    "copied": ("items other than text", "道非文字题目"),
}
_HERE = ("rules", "careless")


def careless_faults(
    document: Document, rules: Rules, items: Sequence[Item], waves: Iterable[Typed[WaveFile]]
) -> Iterator[Fault]:
    """Faults of ``rules.careless`` against the instrument, each of its versions, and what the waves' files bring."""
    of_versions = [[i for i in items if i.asked_in(version)] for version in _versions(items)]
    said, wants = rules.careless.model_fields_set, needed(rules)
    for name in (name for name in wants if name in said):
        most = max((there(asked)[name] for asked in of_versions), default=0)
        if most < wants[name]:
            yield _of_nobody(document, name, wants[name], most)
    timed = _timed(list(waves))
    if rules.careless.seconds_per_item is not None and not timed:
        yield _untimed(document)
    able = {index for asked in of_versions for index in in_use(rules, asked, timed)}
    if "flags" in said and rules.careless.flags > len(able):
        yield _too_many(document, rules.careless.flags, sorted(able))


def _versions(items: Sequence[Item]) -> list[str]:
    """Versions of the instrument; one without a name where no item has any."""
    return sorted({version for item in items for version in item.versions}) or [""]


def _timed(waves: Sequence[Typed[WaveFile]]) -> bool:
    """Whether some file says how long answers took; also where that cannot be known: before the first wave, or in a faulty one."""
    if not waves or any(wave.faults for wave in waves):
        return True
    entries = [entry for wave in waves if wave.settings for entry in wave.settings.files]
    return any("seconds" in entry.columns.values() for entry in entries if entry.holds == "answers")


def _at(document: Document, name: str, en: str, zh: str) -> Fault:
    return Fault(
        document.file, document.line((*_HERE, name)), f"rules.careless.{name}: {en}", f"rules.careless.{name}：{zh}"
    )


def _of_nobody(document: Document, name: str, least: int, most: int) -> Fault:
    en, zh = _OF_WHAT[name]
    return _at(
        document,
        name,
        f"can flag nobody: it needs {least} {en}, and the instrument has {most} at most. Delete this line, or correct it or "
        "instrument.csv",
        f"不会标记任何答卷：至少需要 {least} {zh}，而问卷最多只有 {most}。请删除此行，或改正此行或 instrument.csv",
    )


def _untimed(document: Document) -> Fault:
    return _at(
        document,
        "seconds_per_item",
        "can flag nobody: no file of answers has a column mapped to “seconds”. Map the column in wave.yaml, or delete this line",
        "不会标记任何答卷：没有任何答卷文件的列对应“seconds”。请在 wave.yaml 中对应该列，或删除此行",
    )


def _too_many(document: Document, flags: int, able: Sequence[str]) -> Fault:
    names = ", ".join(able) or "-"
    return _at(
        document,
        "flags",
        f"is {flags}, but only {len(able)} indices can flag an answer ({names}): none would ever be doubtful. Lower flags, or set "
        "more indices",
        f"为 {flags}，但可用的指标只有 {len(able)} 个（{names}）：任何答卷都不会被视为存疑。请调低 flags，或启用更多指标",
    )
