"""A YAML file of a study as its typed model, with every fault of it in plain words of both languages.

A part that is not right is reported and put out of the way, so that the rest of the folder can be checked in the same run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import ValidationError

from survey.faults import Fault, Refused
from survey.folder import Document, read_yaml
from survey.schema import OWN_ERRORS, Model

M = TypeVar("M", bound=Model)
Where = tuple[Any, ...]
# Parts of a file that stand alone: a fault in one of them leaves the others as they are.
_ALONE = ("code_sets", "scales", "services", "steps", "files")
_WHOLE = ("must be a whole number", "应为整数")
_NUMBER = ("must be a number", "应为数字")
_LIST = ("must be a list", "应为列表")
_MAPPING = ("must be a mapping (key: value)", "应为“键: 值”的形式")
_TRUTH = ("must be true or false", "应为 true 或 false")
_TEXT = ("must be a text, not a list or a mapping", "应为文字，不能是列表或映射")
_MESSAGES = {
    "missing": ("is missing", "缺少这一项"),
    "extra_forbidden": ("is not a key known here; see docs/study-format.md", "未知的键；请对照 docs/study-format.md"),
    "literal_error": ("must be one of {expected}", "应为 {expected} 之一"),
    "string_too_short": ("must not be empty", "不能为空"),
    "too_short": ("must not be empty", "不能为空"),
    "too_long": ("has more than {max_length} entries", "多于 {max_length} 项"),
    "int_parsing": _WHOLE,
    "int_type": _WHOLE,
    "int_parsing_size": _WHOLE,
    "int_from_float": _WHOLE,
    "float_parsing": _NUMBER,
    "float_type": _NUMBER,
    "finite_number": _NUMBER,
    "bool_parsing": _TRUTH,
    "bool_type": _TRUTH,
    "date_type": (OWN_ERRORS["bad_day"], "应为日期，如 2024-03-01"),
    "date_parsing": ("is not a day of the calendar", "不是日历中的日期"),
    "date_from_datetime_parsing": ("is not a day of the calendar", "不是日历中的日期"),
    "greater_than": ("must be above {gt}", "应大于 {gt}"),
    "greater_than_equal": ("must be {ge} or more", "不得小于 {ge}"),
    "less_than": ("must be below {lt}", "应小于 {lt}"),
    "less_than_equal": ("must be {le} or less", "不得大于 {le}"),
    "string_type": _TEXT,
    "dict_type": _MAPPING,
    "model_type": _MAPPING,
    "model_attributes_type": _MAPPING,
    "tuple_type": _LIST,
    "list_type": _LIST,
}
_OWN_ZH = {
    "bad_name": "应为 1-40 个 a-z 0-9 _ -，以字母或数字开头，且不得与角色名相同",
    "bad_column_name": "应为 1-40 个 a-z 0-9 _，以字母或数字开头，且不得与角色名或结果名相同",
    "bad_day": "应为日期，如 2024-03-01",
    "bad_zone": "不是时区名，例如 Asia/Shanghai",
    "bad_encoding": "未知的编码；请用 utf-8、gb18030 或 utf-16",
    "same_mark": "decimal 与 thousands 相同；数字须只有一种读法",
    "bad_sign": '应为一个字符，例如 , 或 ;（制表符请写在双引号中："\\t"）',
    "bad_groups": "请填写 file 或 any，二者选一",
    "bad_places": "请填写 under、file 或二者",
    "bad_order": "结束早于开始",
    "bad_bounds": "应为两个大于 0 的数，小者在前",
    "linear_trim": "只用于 raking；method: linear 用 bounds 限制",
    "two_trims": "trim_at 与 trim_to_effect 只能填写一项",
    "two_meanings": "同一编码、标签或写法对应了两个编码；请使其各指一个",
}


@dataclass(frozen=True, slots=True)
class Typed(Generic[M]):
    """What a YAML file says.

    Attributes
    ----------
    settings : M or None
        The model; parts that are not right are replaced by harmless ones or left out. None where nothing could be made of it.
    document : Document
        The text with its lines.
    faults : tuple of Fault
        Everything that is not right.
    broken : frozenset of tuple
        Paths of the parts put out of the way: ``("cuts",)``, ``("files", 1)``.
    """

    settings: M | None
    document: Document
    faults: tuple[Fault, ...]
    broken: frozenset[Where]


def read_typed(folder: Path, file: str, model: type[M], harmless: Mapping[str, Any]) -> Typed[M]:
    """Read a YAML file; `harmless` gives for a required key, or for an entry of a part, what stands in for a faulty one."""
    try:
        document = read_yaml(folder, file)
    except Refused as refused:
        return Typed(None, Document(file, {}, {}), refused.faults, frozenset())
    try:
        return Typed(model.model_validate(document.content), document, (), frozenset())
    except ValidationError as error:
        errors: list[dict[str, Any]] = [dict(e) for e in error.errors()]
    faults = tuple(_fault(file, document, e) for e in errors)
    if not isinstance(document.content, dict):
        return Typed(None, document, faults, frozenset())
    broken = frozenset(_part(document.content, e["loc"]) for e in errors)
    try:
        settings = model.model_validate(_mended(document.content, broken, harmless))
    except ValidationError:
        return Typed(None, document, faults, broken)
    return Typed(settings, document, faults, broken)


def _fault(file: str, document: Document, error: Mapping[str, Any]) -> Fault:
    path = tuple(p for p in error["loc"] if p != "[key]")
    where = ".".join(map(str, path)) or file
    en, zh = _words(error)
    return Fault(file, document.line(path), f"{where}: {en}", f"{where}：{zh}")


def _words(error: Mapping[str, Any]) -> tuple[str, str]:
    kind, context = error["type"], error.get("ctx", {})
    own = str(context.get("error", ""))
    if own in OWN_ERRORS:
        return OWN_ERRORS[own], _OWN_ZH[own]
    en, zh = _MESSAGES.get(kind, ("is not right; see docs/study-format.md", "不合要求；请对照 docs/study-format.md"))
    expected = str(context.get("expected", "")).replace("'", "").replace(" or ", ", ")
    filled = {**context, "expected": expected}
    return en.format(**filled), zh.format(**{**filled, "expected": expected.replace(", ", "、")})


def _part(content: Mapping[str, Any], where: Where) -> Where:
    if where[2:3] == ("[key]",):
        return tuple(where[:3])
    inside = len(where) > 1 and where[0] in _ALONE and isinstance(content.get(where[0]), (dict, list))
    return tuple(where[: 2 if inside else 1])


def _mended(content: Mapping[str, Any], broken: frozenset[Where], harmless: Mapping[str, Any]) -> dict[str, Any]:
    """The content with each broken part replaced by its harmless stand-in, or left out where there is none."""
    out = {key: value.copy() if isinstance(value, (dict, list)) else value for key, value in content.items()}
    for path in broken:
        within = out if len(path) == 1 else out.get(path[0], {})
        if _takes_stand_in(path, harmless):
            within[path[-1]] = harmless[path[0]]
        elif isinstance(within, dict):
            within.pop(path[min(len(path), 2) - 1], None)
    return out


def _takes_stand_in(path: Where, harmless: Mapping[str, Any]) -> bool:
    """Whether a stand-in fits there: for a required key, or for an entry of a part, not for the part itself."""
    return path[0] in harmless and len(path) == (2 if path[0] in _ALONE else 1)
