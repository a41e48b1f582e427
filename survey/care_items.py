"""On which items of an instrument each index of careless answering stands, and which of the study's indices can flag anybody."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import groupby

from survey.care import FEWEST_SCALES
from survey.instrument import Item
from survey.schema import Rules

LONG = 10  # items with the same codes below which a deviation over them says nothing
# What the tally calls an index.
NOTES = {
    "same_code": "same_code_everywhere",
    "too_fast": "too_fast",
    "longstring": "careless_longstring",
    "irv": "careless_irv",
    "mahalanobis": "careless_mahalanobis",
    "even_odd": "careless_even_odd",
    "seconds_per_item": "careless_seconds_per_item",
    "copied": "careless_copied",
}
TIMED = ("too_fast", "seconds_per_item")
_FEWEST = {
    "irv": LONG,
    "mahalanobis": 2,
    "even_odd": FEWEST_SCALES,
}  # what an index needs; of the others the threshold says it


def same_codes(items: Iterable[Item]) -> list[list[str]]:
    """Items with the same whole-number codes, wherever they stand."""
    sets: dict[object, list[str]] = {}
    for item in items:
        if _codes(item):
            sets.setdefault(_codes(item), []).append(item.name)
    return list(sets.values())


def consecutive(items: Iterable[Item]) -> list[list[str]]:
    """Items with the same whole-number codes that follow each other in the instrument."""
    return [[item.name for item in run] for codes, run in groupby(items, _codes) if codes]


def of_scales(items: Iterable[Item]) -> list[Item]:
    """Items of which the mean is a scale."""
    return [item for item in items if item.scale and item.name != item.scale and item.numeric]


def halved_scales(items: Iterable[Item]) -> dict[str, list[str]]:
    """{scale: its items} of the scales that have two items or more."""
    scales: dict[str, list[str]] = {}
    for item in of_scales(items):
        scales.setdefault(item.scale, []).append(item.name)
    return {scale: names for scale, names in scales.items() if len(names) > 1}


def _codes(item: Item) -> object:
    return (item.lowest, item.highest, item.code_names) if item.kind == "choice" and item.numeric else None


def needed(rules: Rules) -> dict[str, int]:
    """How many items (scales) each index that the study set needs at least; indices of time need none."""
    said = {name: getattr(rules.careless, name) for name in (*_FEWEST, "same_code", "longstring", "copied")}
    return {name: _FEWEST.get(name, said[name]) for name in said if said[name] is not None}


def there(items: Iterable[Item]) -> Mapping[str, int]:
    """How many of them an instrument has."""
    items = list(items)
    return {
        "same_code": max(map(len, same_codes(items)), default=0),
        "longstring": max(map(len, consecutive(items)), default=0),
        "irv": max(map(len, same_codes(of_scales(items))), default=0),
        "mahalanobis": len(of_scales(items)),
        "even_odd": len(halved_scales(items)),
        "copied": sum(item.kind != "text" for item in items),
    }


def in_use(rules: Rules, items: Iterable[Item], timed: bool) -> tuple[str, ...]:
    """Indices that the study set and that these items can have (`timed`: it is known how long answers took)."""
    has, wants = there(items), needed(rules)
    able = {name for name, least in wants.items() if has[name] >= least}
    if timed and rules.least_seconds != 0:
        able.add("too_fast")
    if timed and rules.careless.seconds_per_item is not None:
        able.add("seconds_per_item")
    return tuple(name for name in NOTES if name in able)
