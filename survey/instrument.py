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
from survey.schema import REFUSED_TOPICS, SENSITIVE, Code, CodeSet, Scale, Text, is_column_name

FILE = "instrument.csv"
REQUIRED = ("item", "wording_en", "wording_zh", "kind")
OPTIONAL = ("version", "module", "codes", "lowest", "highest", "scale", "reverse", "sensitive", "topic", "asked_if")
KINDS = ("choice", "multiple", "number", "text", "region")
MOST_CODES = 1000
_RANGE = re.compile(r"(-?\d{1,9})\.\.(-?\d{1,9})", re.ASCII)
_WHOLE = re.compile(r"-?\d{1,9}", re.ASCII)
_CONDITION = re.compile(r"([a-z0-9_]+)=(.+)")
_DECIMAL = re.compile(r"-?\d{1,15}(\.\d+)?", re.ASCII)


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
    asked_if : tuple or None
        The item, and those of its codes, to whose givers alone this one was put; None: to everybody.
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
    asked_if: tuple[str, tuple[str, ...]] | None
    line: int

    @property
    def numeric(self) -> bool:
        """Whether an answer is one number: a number, or a whole-number code."""
        return self.kind in ("number", "choice") and not math.isnan(self.lowest)

    @property
    def code_names(self) -> tuple[str, ...]:
        """Codes of a choice or multiple item as text, also where they come as a range; none for other kinds."""
        if self.codes:
            return tuple(self.codes.codes)
        if self.kind != "choice":
            return ()
        return tuple(str(code) for code in range(int(self.lowest), int(self.highest) + 1))

    def asked_in(self, version: str) -> bool:
        """Whether the item had this form in that version."""
        return not self.versions or version in self.versions

    def same_form(self, other: Item) -> bool:
        """Whether answers to the two mean the same: codes and limits are equal, the wording may differ."""
        return self._form() == other._form()

    @property
    def form_text(self) -> str:
        """Codes, limits and direction as one text; equal where answers mean the same."""
        kind, codes, *rest = self._form()
        return repr((kind, sorted(codes), *rest))

    def _form(self) -> tuple[str, frozenset[str], tuple[float, float] | None, bool]:
        limits = (self.lowest, self.highest) if self.numeric else None
        return self.kind, frozenset(self.code_names), limits, self.reverse


def read_items(
    rows: Iterable[Mapping[str, str]], code_sets: Mapping[str, CodeSet], scales: Mapping[str, Scale]
) -> tuple[list[Item], list[Fault]]:
    """Turn the rows of ``instrument.csv`` into items, and tell every fault of them; rows at fault give no item."""
    rows, items, faults = list(rows), [], []
    for row in rows:
        found = [Fault(FILE, int(row["#line"]), en, zh) for en, zh in _row_faults(row, code_sets, scales)]
        faults += found
        if not found:
            items.append(_item(row, code_sets))
    return items, faults + _repeated(items) + _astray(items, {str(row["item"]) for row in rows})


def _item(row: Mapping[str, str], code_sets: Mapping[str, CodeSet]) -> Item:
    codes = code_sets.get(row["codes"]) or _numbered(row)
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
        asked_if=_condition(row["asked_if"]),
        line=int(row["#line"]),
    )


def _condition(text: str) -> tuple[str, tuple[str, ...]] | None:
    match = _CONDITION.fullmatch(text)
    return (match[1], tuple(match[2].split())) if match else None


def _numbered(row: Mapping[str, str]) -> CodeSet | None:
    """The codes of a multiple item that are given as a range: each is its own label."""
    match = _RANGE.fullmatch(row["codes"])
    if match is None or row["kind"] != "multiple":
        return None
    numbers = map(str, range(int(match[1]), int(match[2]) + 1))
    return CodeSet(codes={n: Code(en=n, zh=n) for n in numbers})


def _limits(row: Mapping[str, str], codes: CodeSet | None) -> tuple[float, float]:
    if row["kind"] == "number":
        return _number(row["lowest"]), _number(row["highest"])
    match = _RANGE.fullmatch(row["codes"])
    if match and row["kind"] == "choice":
        return float(match[1]), float(match[2])
    values = [float(c) if _WHOLE.fullmatch(c) else math.nan for c in (codes.codes if codes else ())]
    if row["kind"] != "choice" or not values or any(math.isnan(v) for v in values):
        return math.nan, math.nan
    return min(values), max(values)


def _number(text: str) -> float:
    return float(text) if _DECIMAL.fullmatch(text) else math.nan


def _row_faults(
    row: Mapping[str, str], code_sets: Mapping[str, CodeSet], scales: Mapping[str, Scale]
) -> Iterable[tuple[str, str]]:
    name, kind, topic = row["item"], row["kind"], row["topic"]
    if not is_column_name(name):
        yield (
            f"“{name}” cannot be an item's name: use 1-40 of a-z 0-9 _, and no name of a role or of a result (intends, ...)",
            f"“{name}”不能作题目名称：请用 1-40 个 a-z 0-9 _，且不得与角色名或结果名（如 intends、returned）相同",
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
    if row["asked_if"] and _condition(row["asked_if"]) is None:
        yield "asked_if must be written item=code, or item=code code", "asked_if 应写作 题目=编码，或 题目=编码 编码"
    yield from _code_faults(row, code_sets)


def _code_faults(row: Mapping[str, str], code_sets: Mapping[str, CodeSet]) -> Iterable[tuple[str, str]]:
    codes, kind = row["codes"], row["kind"]
    numeric = kind in ("choice", "number") and not math.isnan(_limits(row, code_sets.get(codes))[0])
    if kind in ("choice", "multiple") and codes not in code_sets and not _is_range(codes):
        yield (
            f"codes is “{codes}”; give a code set of study.yaml, or LOWEST..HIGHEST with at most {MOST_CODES} codes",
            f"codes 为“{codes}”；请填 study.yaml 中的编码集，或 最低..最高（至多 {MOST_CODES} 个编码）",
        )
    elif kind == "number" and not _number(row["lowest"]) < _number(row["highest"]):
        yield (
            "a number needs lowest and highest, lowest below highest",
            "number 题必须填 lowest 和 highest，且前者小于后者",
        )
    elif row["scale"] and not numeric:
        yield "only whole-number codes and numbers can belong to a scale", "只有整数编码或数值题才能归入量表"
    elif row["reverse"] and not numeric:
        yield "only whole-number codes and numbers can be reversed", "只有整数编码或数值题才能反向计分"
    yield from _idle_cells(row)


def _is_range(codes: str) -> bool:
    match = _RANGE.fullmatch(codes)
    return match is not None and int(match[1]) < int(match[2]) < int(match[1]) + MOST_CODES


def _idle_cells(row: Mapping[str, str]) -> Iterable[tuple[str, str]]:
    """What the row says though nothing reads it for items of its kind."""
    kind = row["kind"]
    if kind in KINDS and kind != "number" and (row["lowest"] or row["highest"]):
        yield (
            f"lowest and highest are for number, not for {kind}; empty them",
            f"lowest 和 highest 只用于 number，{kind} 题请留空",
        )
    if kind in KINDS and kind not in ("choice", "multiple") and row["codes"]:
        yield (
            f"codes are for choice and multiple, not for {kind}; empty them",
            f"codes 只用于 choice 和 multiple，{kind} 题请留空",
        )


def _repeated(items: list[Item]) -> list[Fault]:
    """Items that stand for one version twice; a row without versions stands for all of them."""
    faults = []
    for n, item in enumerate(items):
        before = next((i for i in items[:n] if i.name == item.name and _meet(i.versions, item.versions)), None)
        if before is not None:
            faults.append(
                Fault(
                    FILE,
                    item.line,
                    f"“{item.name}” stands in line {before.line} already for the same version",
                    f"“{item.name}”在第 {before.line} 行已有同一版本",
                )
            )
    return faults


def _astray(items: list[Item], named: set[str]) -> list[Fault]:
    """Items put only to those who answered something that nobody could have answered before."""
    faults = []
    for n, item in enumerate(items):
        name, codes = item.asked_if or ("", ())
        above = [i for i in items[:n] if i.name == name and _meet(i.versions, item.versions)]
        if codes and name in named and not any(set(codes) <= set(i.code_names) for i in above):
            faults.append(
                Fault(
                    FILE,
                    item.line,
                    f"asked_if of “{item.name}”: no item “{name}” with these codes stands above it in the same version",
                    f"“{item.name}”的 asked_if：在同一版本中，其上方没有含这些编码的题目“{name}”",
                )
            )
        elif codes and name not in named:
            faults.append(
                Fault(
                    FILE,
                    item.line,
                    f"asked_if of “{item.name}” names “{name}”, which is no item",
                    f"“{item.name}”的 asked_if 所提“{name}”不是题目",
                )
            )
    return faults


def _meet(some: tuple[str, ...], others: tuple[str, ...]) -> bool:
    return not some or not others or not set(some).isdisjoint(others)
