"""The questionnaire of a study: items, their codes and limits, and the scales they belong to.

An item may stand in several versions of the instrument. The newest version that a wave has seen is the item's form; other
waves are comparable only where codes and limits are the same.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from survey.faults import Fault
from survey.schema import NAME, REFUSED_TOPICS, ROLES, SENSITIVE, CodeSet, Scale, Text

FILE = "instrument.csv"
REQUIRED = ("item", "wording_en", "wording_zh", "kind")
OPTIONAL = ("version", "module", "codes", "lowest", "highest", "scale", "reverse", "sensitive", "topic")
KINDS = ("choice", "multiple", "number", "text", "region")
_RANGE = re.compile(r"(-?\d+)\.\.(-?\d+)")
_RESERVED = {role for roles in ROLES.values() for role in roles} | {"wave", "log_member", "mode"}


@dataclass(frozen=True, slots=True)
class Item:
    """One item in one form.

    Attributes
    ----------
    name, module, kind, scale, sensitive : str
        As in ``instrument.csv``; empty where nothing is said.
    versions : tuple of str
        Versions of the instrument in which the item had this form; empty: all.
    wording : Text
        The question in both languages.
    codes : CodeSet or None
        For choice and multiple with labels.
    lowest, highest : float
        Limits of numbers and of whole-number codes; nan for words.
    reverse : bool
        Reversed when it arrives in the panel.
    line : int
        Its line in ``instrument.csv``.
    """

    name: str
    versions: tuple[str, ...]
    module: str
    wording: Text
    kind: str
    codes: CodeSet | None
    lowest: float
    highest: float
    scale: str
    reverse: bool
    sensitive: str
    line: int

    @property
    def numeric(self) -> bool:
        """Whether answers are numbers: a number, or whole-number codes."""
        return self.kind in ("number", "choice") and not math.isnan(self.lowest)

    def asked_in(self, version: str) -> bool:
        """Whether the item had this form in that version."""
        return not self.versions or version in self.versions

    def same_form(self, other: Item) -> bool:
        """Whether answers to the two mean the same: codes and limits are equal, the wording may differ."""
        codes = self.codes.codes.keys() if self.codes else None
        others = other.codes.codes.keys() if other.codes else None
        limits = (self.lowest, self.highest) if self.numeric else None
        others_limits = (other.lowest, other.highest) if other.numeric else None
        return (self.kind, codes, limits, self.reverse) == (other.kind, others, others_limits, other.reverse)


def read_items(
    rows: Iterable[Mapping[str, str]], code_sets: Mapping[str, CodeSet], scales: Mapping[str, Scale]
) -> tuple[list[Item], list[Fault]]:
    """Turn the rows of ``instrument.csv`` into items, and tell every fault of them."""
    items, faults = [], []
    for row in rows:
        found = [Fault(FILE, int(row["#line"]), en, zh) for en, zh in _row_faults(row, code_sets, scales)]
        faults += found
        if not found:
            items.append(_item(row, code_sets))
    return items, faults + _repeated(items)


def _item(row: Mapping[str, str], code_sets: Mapping[str, CodeSet]) -> Item:
    codes = code_sets.get(row["codes"])
    lowest, highest = _limits(row, codes)
    return Item(
        name=row["item"],
        versions=tuple(row["version"].split()),
        module=row["module"],
        wording=Text(en=row["wording_en"], zh=row["wording_zh"]),
        kind=row["kind"],
        codes=codes,
        lowest=lowest,
        highest=highest,
        scale=row["scale"],
        reverse=row["reverse"] == "yes",
        sensitive=row["sensitive"],
        line=int(row["#line"]),
    )


def _limits(row: Mapping[str, str], codes: CodeSet | None) -> tuple[float, float]:
    if row["kind"] == "number":
        return _number(row["lowest"]), _number(row["highest"])
    match = _RANGE.fullmatch(row["codes"])
    if match:
        return float(match[1]), float(match[2])
    values = [_number(code) for code in codes.codes] if codes else []
    if row["kind"] != "choice" or not values or any(math.isnan(v) for v in values):
        return math.nan, math.nan
    return min(values), max(values)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def _row_faults(
    row: Mapping[str, str], code_sets: Mapping[str, CodeSet], scales: Mapping[str, Scale]
) -> Iterable[tuple[str, str]]:
    name, kind, topic = row["item"], row["kind"], row["topic"]
    if not NAME.fullmatch(name) or "-" in name or name in _RESERVED:
        yield (
            f"“{name}” cannot be an item's name: use 1-40 of a-z 0-9 _, and none of the roles' names",
            f"“{name}”不能作题目名称：请用 1-40 个 a-z 0-9 _，且不得与角色名相同",
        )
    if not row["wording_en"] or not row["wording_zh"]:
        yield "wording_en and wording_zh are both needed", "wording_en 和 wording_zh 都必须填写"
    if kind not in KINDS:
        yield (
            f"kind is “{kind}”; it must be one of {', '.join(KINDS)}",
            f"kind 为“{kind}”；应为 {'、'.join(KINDS)} 之一",
        )
    if topic in REFUSED_TOPICS:
        yield (
            f"items on “{topic}” are refused: the workbench does not ask what people believe or whom they follow",
            f"拒绝主题为“{topic}”的题目：本工作台不询问信仰、立场和归属",
        )
    if row["reverse"] not in ("", "yes"):
        yield "reverse must be yes or empty", "reverse 应为 yes 或空"
    if row["sensitive"] and row["sensitive"] not in SENSITIVE:
        yield (
            f"sensitive must be empty or one of {', '.join(SENSITIVE)}",
            f"sensitive 应为空或 {'、'.join(SENSITIVE)} 之一",
        )
    if row["scale"] and row["scale"] not in scales:
        yield f"the scale “{row['scale']}” is not in study.yaml", f"量表“{row['scale']}”不在 study.yaml 中"
    yield from _code_faults(row, code_sets)


def _code_faults(row: Mapping[str, str], code_sets: Mapping[str, CodeSet]) -> Iterable[tuple[str, str]]:
    codes, kind = row["codes"], row["kind"]
    if kind in ("choice", "multiple") and codes not in code_sets and not _RANGE.fullmatch(codes):
        yield (
            f"codes is “{codes}”; give a code set of study.yaml or LOWEST..HIGHEST",
            f"codes 为“{codes}”；请填 study.yaml 中的编码集，或 最低..最高",
        )
    elif kind == "number" and not _number(row["lowest"]) < _number(row["highest"]):
        yield (
            "a number needs lowest and highest, lowest below highest",
            "number 题必须填 lowest 和 highest，且前者小于后者",
        )
    elif row["scale"] and math.isnan(_limits(row, code_sets.get(codes))[0]):
        yield (
            "only whole-number codes and numbers can belong to a scale",
            "只有整数编码或数值题才能归入量表",
        )


def _repeated(items: list[Item]) -> list[Fault]:
    seen: dict[tuple[str, str], int] = {}
    faults = []
    for item in items:
        for version in item.versions or ("*",):
            before = seen.setdefault((item.name, version), item.line)
            if before != item.line:
                faults.append(
                    Fault(
                        FILE,
                        item.line,
                        f"“{item.name}” stands in line {before} already for the same version",
                        f"“{item.name}”在第 {before} 行已有同一版本",
                    )
                )
    return faults
