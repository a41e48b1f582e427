"""No regular expression of the package takes longer than in proportion to the text, however the text is made.

Patterns are found by looking into every module, and how they are used by reading its source; each is tried in that way. A pattern
that goes over a text once for each of its signs takes seconds for LENGTH of them, one that goes over it once a thousandth of one.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import re
import time
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

import survey

LENGTH = 100_000
SECONDS = 0.5  # a text; the slowest pattern takes 0.05, a quadratic one over 20
WAYS = {"match", "fullmatch", "search", "sub", "split", "findall", "finditer", "contains"}
UNITS = (
    "a", "1", " ", "\t\n", "_", "-", ".", ",", ":", "/", "(", "（", "[", "〖", "一", "\0", '"', "'", "{", "=", "@", "+", "#", "*",
    "a.", "a_", "_1", "1.", "1 ", "a/", "a:", "〖〗", "1-", "1X", "R_", "QID1_", "第1题(", "Other ", "1、", "多选", "(多选", "合 ",
    "2024-", "'a':", "<c", "<c ", "<f", "<f></f>", "<v>", "<c><f/>", '<c r="A1"', " </c>", "<si>", "PK\5\6", 'ount="', "</row ",
)  # fmt: skip
STARTS = (
    "{'ImportId':",
    "2024-01-01 ",
    "a[SQ001",
    "第1题 (",
    "<c><f>x</f>",
    "<c>",
    "QID1",
    "_",
    "R_",
    "(多选",
    "1、",
    "ount",
)
Uses = dict[tuple[str | bytes, int], set[str]]


def texts() -> Iterator[str]:
    for unit in UNITS:
        yield from (unit * (LENGTH // len(unit)) + end for end in ("", "!", "\n"))
    for start, unit in (("<row", ' hidden="1"'), ("<row", "/"), ("<c", ' t="e"'), ("<c", " t="), ("</row", " ")):
        yield start + unit * (LENGTH // len(unit))
    for start in STARTS:
        yield from (start + unit * LENGTH + "!" for unit in " a1_)")


def modules() -> list[ModuleType]:
    return [importlib.import_module(found.name) for found in pkgutil.walk_packages(survey.__path__, "survey.")]


def patterns(value: Any) -> Iterator[re.Pattern[Any]]:
    """Patterns of a module's value, be it one, or several in a tuple or a dict."""
    if isinstance(value, re.Pattern):
        yield value
    elif isinstance(value, dict):
        for pair in value.items():
            yield from patterns(pair)
    elif isinstance(value, (tuple, list, set, frozenset)):
        for one in value:
            yield from patterns(one)


def _named(tree: ast.AST) -> dict[str, set[str]]:
    """Ways in which each name is used: ``NAME.search(...)`` or ``column.str.fullmatch(NAME)``."""
    found: dict[str, set[str]] = {}
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        if isinstance(call.func, ast.Attribute) and call.func.attr in WAYS:
            names = [node.id for node in (call.func.value, *call.args) if isinstance(node, ast.Name)]
            for name in names:
                found.setdefault(name, set()).add(call.func.attr)
    return found


def _written(tree: ast.AST) -> Iterator[tuple[str | bytes, str]]:
    """Patterns that are written where they are used: ``re.sub("...", ...)``."""
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        if isinstance(call.func, ast.Attribute) and call.func.attr in WAYS and call.args:
            owner, first = call.func.value, call.args[0]
            by_module = isinstance(owner, ast.Name) and owner.id == "re"
            by_column = isinstance(owner, ast.Attribute) and owner.attr == "str"
            if (by_module or by_column) and isinstance(first, ast.Constant):
                yield first.value, call.func.attr


def uses() -> Uses:
    found: Uses = {}
    for module in modules():
        tree = ast.parse(inspect.getsource(module))
        named = _named(tree)
        for name, value in vars(module).items():
            for pattern in patterns(value):
                ways = named.get(name, set()) if isinstance(value, re.Pattern) else {"fullmatch"}
                found.setdefault((pattern.pattern, pattern.flags), set()).update(ways)
        for written, way in _written(tree):
            found.setdefault((written, re.compile(written).flags), set()).add(way)
    return {pattern: ways or {"fullmatch"} for pattern, ways in found.items()}


def slow(pattern: str | bytes, flags: int, ways: set[str], limit: float) -> str:
    """The first text, by its beginning, that takes longer; empty: none does."""
    compiled: re.Pattern[Any] = re.compile(pattern, flags)
    for text in texts():
        whole: Any = text.encode() if isinstance(pattern, bytes) else text
        for way in ways & {"match", "fullmatch"} | ({"search"} if ways - {"match", "fullmatch"} else set()):
            start = time.process_time()
            getattr(compiled, way)(whole)
            if time.process_time() - start > limit:
                return f"{way}: {text[:20]!r} …"
    return ""


def test_patterns_are_found_with_their_use() -> None:
    found = uses()
    assert len(found) > 80
    assert found[r"-?\d{1,9}", int(re.ASCII)] == {"fullmatch"}


def test_a_quadratic_pattern_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(globals(), "LENGTH", LENGTH // 10)
    assert slow(r"[ _]?\d+$", 0, {"sub"}, SECONDS / 10)
    assert not slow(r"[ _]?(?<!\d)\d+$", 0, {"sub"}, SECONDS / 10)


def test_no_pattern_takes_longer_for_a_twentieth(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(globals(), "LENGTH", LENGTH // 20)
    assert found_slow(SECONDS / 10) == []


@pytest.mark.slow
def test_no_pattern_takes_longer_than_in_proportion() -> None:
    assert found_slow(SECONDS) == []


def found_slow(limit: float) -> list[tuple[str | bytes, str]]:
    """Patterns that are too slow, each with a text for which it is."""
    return [(p, text) for (p, flags), ways in uses().items() if (text := slow(p, flags, ways, limit))]
