"""Which answers of a file the study's indices of carelessness flag; each index is a function of `survey.care`.

Answers are as they were given, in the order of the instrument; only the even-odd index sees reversed ones, each brought to the
range 0 to 1 of its item.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pandas as pd

from survey import care
from survey.care_items import LONG, consecutive, halved_scales, in_use, of_scales, same_codes
from survey.instrument import Item
from survey.schema import Rules

FAST = 1 / 3  # of the file's median time: Greszki, Meyer and Schoen (2015), Public Opinion Quarterly 79, 471-503
Items = Mapping[str, Item]


def flags(frame: pd.DataFrame, asked: Items, rules: Rules) -> dict[str, pd.Series]:
    """Give {index: which answers it flags} of the indices in use; an answer of which an index is not known is not flagged.

    Parameters
    ----------
    frame : DataFrame
        Accepted answers, as given: items (``item=code`` of multiple ones), ``seconds`` where it is known.
    asked : mapping
        The wave's items by name, in the instrument's order.
    rules : Rules
    """
    return {name: _FLAGS[name](frame, asked, rules) for name in in_use(rules, asked.values(), "seconds" in frame)}


def _nobody(frame: pd.DataFrame) -> pd.Series:
    return pd.Series(False, index=frame.index)


def _brought(frame: pd.DataFrame, sets: list[list[str]], least: int) -> list[pd.DataFrame]:
    """Of each set of items those that the file brings, where there are enough."""
    brought = ([name for name in names if name in frame] for names in sets)
    return [frame[names] for names in brought if len(names) >= least]


def _same_code(frame: pd.DataFrame, asked: Items, rules: Rules) -> pd.Series:
    least, found = rules.careless.same_code or 0, _nobody(frame)
    for battery in _brought(frame, same_codes(asked.values()), least):
        found |= care.one_code(battery) >= least
    return found


def _longstring(frame: pd.DataFrame, asked: Items, rules: Rules) -> pd.Series:
    least, found = rules.careless.longstring or 0, _nobody(frame)
    for battery in _brought(frame, consecutive(asked.values()), least):
        found |= care.longstring(battery) >= least
    return found


def _irv(frame: pd.DataFrame, asked: Items, rules: Rules) -> pd.Series:
    found = _nobody(frame)
    for battery in _brought(frame, same_codes(of_scales(asked.values())), LONG):
        found |= (care.irv(battery) < rules.careless.irv) & (battery.notna().sum(axis=1) >= LONG)
    return found


def _mahalanobis(frame: pd.DataFrame, asked: Items, rules: Rules) -> pd.Series:
    names = [item.name for item in of_scales(asked.values()) if item.name in frame]
    return care.mahalanobis(frame[names])["p"] < rules.careless.mahalanobis


def _even_odd(frame: pd.DataFrame, asked: Items, rules: Rules) -> pd.Series:
    there = [item for item in asked.values() if item.name in frame]
    scales = halved_scales(there)
    scored = {name: _scored(frame[name], asked[name]) for names in scales.values() for name in names}
    return care.even_odd(pd.DataFrame(scored, index=frame.index), scales) < rules.careless.even_odd


def _scored(answers: pd.Series, item: Item) -> pd.Series:
    """Answers from 0 to 1 in the direction of their scale."""
    share = (answers - item.lowest) / (item.highest - item.lowest)
    return 1 - share if item.reverse else share


def _too_fast(frame: pd.DataFrame, _: Items, rules: Rules) -> pd.Series:
    least = rules.least_seconds
    return frame["seconds"] < (FAST * frame["seconds"].median() if least is None else least)


def _seconds_per_item(frame: pd.DataFrame, asked: Items, rules: Rules) -> pd.Series:
    of_each = {column.partition("=")[0]: column for column in frame.columns}
    answers = frame[[column for item, column in of_each.items() if item in asked]]
    return care.seconds_per_item(frame["seconds"], answers) < rules.careless.seconds_per_item


def _copied(frame: pd.DataFrame, asked: Items, rules: Rules) -> pd.Series:
    columns = [column for column in frame.columns if column.partition("=")[0] in asked]
    return care.copied(frame[columns], rules.careless.copied or 1)


_FLAGS: Mapping[str, Callable[[pd.DataFrame, Items, Rules], pd.Series]] = {
    "same_code": _same_code,
    "longstring": _longstring,
    "irv": _irv,
    "mahalanobis": _mahalanobis,
    "even_odd": _even_odd,
    "too_fast": _too_fast,
    "seconds_per_item": _seconds_per_item,
    "copied": _copied,
}
