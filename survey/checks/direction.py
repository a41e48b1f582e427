"""Was a battery asked, or coded, the other way round? And does an item run against the rest of its scale?

Between two waves a whole battery is turned where nearly all of its items have a mean on the other side of the middle, near the
mirror of the mean before, or have changed the sign of their correlation with what was asked on other codes (the anchor). One
item alone says nothing of that kind: within a wave it is compared with the rest of its scale. Nothing is ever flipped here.
Source of the item-rest correlation: Nunnally and Bernstein (1994), Psychometric Theory, 3rd ed., ch. 8.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
import pandas as pd

from survey.faults import Fault
from survey.instrument import Item
from survey.study import Study, Wave

LEAST_ANSWERS = 50
LEAST_ITEMS = 3  # of a battery that can be judged
MOST = 0.8  # share of them that speak for a turn
OFF_MIDDLE = 0.1  # of the range, that a mean must lie off the middle to have a mirror
CERTAIN = 5.0  # standard errors between the two means
NEAR = 0.5  # a mean is near the mirror where it is that many times nearer than the mean before
CLEAR = 0.1  # correlation whose sign can be trusted

Battery = tuple[object, ...]


def turned_batteries(study: Study, waves: Sequence[Wave], answers: Mapping[str, pd.DataFrame]) -> list[Fault]:
    """Batteries of a wave that look turned against the wave before; an office may accept each (rule: direction).

    Parameters
    ----------
    study, waves
        The study, and its waves in their order.
    answers : mapping
        By wave: answers as codes, not yet reversed.
    """
    there = [wave for wave in waves if wave.name in answers]
    faults = []
    for before, now in pairwise(there):
        accepted = {d.accept for d in now.settings.decisions if d.rule == "direction"}
        for file, items in _turned(study, before, now, answers).items():
            if file not in accepted:
                faults.append(_fault(now, file, items))
    return faults


def _turned(study: Study, before: Wave, now: Wave, answers: Mapping[str, pd.DataFrame]) -> dict[str, list[str]]:
    """Items of turned batteries, by the file that brought them."""
    old, new = (_asked(study, wave, answers[wave.name]) for wave in (before, now))
    common = {name: item for name, item in new.items() if name in old and item.same_form(old[name])}
    found: dict[str, list[str]] = {}
    for battery in dict.fromkeys(map(_codes, common.values())):
        names = [name for name, item in common.items() if _codes(item) == battery]
        others = [name for name in common if name not in names]
        said = [_verdict(common, name, others, answers[before.name], answers[now.name]) for name in names]
        judged = [verdict for verdict in said if verdict is not None]
        if len(judged) >= LEAST_ITEMS and np.mean(judged) >= MOST:
            found.setdefault(_file(now, names), []).extend(n for n, turned in zip(names, said, strict=True) if turned)
    return found


def _asked(study: Study, wave: Wave, frame: pd.DataFrame) -> dict[str, Item]:
    return {
        i.name: i
        for i in study.items
        if i.asked_in(wave.settings.instrument) and i.kind == "choice" and i.numeric and i.name in frame
    }


def _codes(item: Item) -> Battery:
    return item.lowest, item.highest, item.code_names


def _file(wave: Wave, names: Sequence[str]) -> str:
    return next(e.file for e in wave.settings.files if set(names) & set(e.columns.values()))


def _verdict(
    items: Mapping[str, Item], name: str, others: Sequence[str], before: pd.DataFrame, now: pd.DataFrame
) -> bool | None:
    """Whether an item speaks for a turn; None where it cannot say."""
    item, old, new = items[name], before[name].dropna(), now[name].dropna()
    if min(len(old), len(new)) < LEAST_ANSWERS:
        return None
    middle = (item.lowest + item.highest) / 2
    off, now_off = old.mean() - middle, new.mean() - middle
    moved, error = abs(now_off - off), np.sqrt(old.var() / len(old) + new.var() / len(new))
    says = []
    if abs(off) >= OFF_MIDDLE * (item.highest - item.lowest):
        says.append(bool(abs(now_off + off) < NEAR * moved and moved > CERTAIN * error))
    signs = [_with_anchor(items, name, others, frame) for frame in (before, now)]
    if min(map(abs, signs)) >= CLEAR:
        says.append(signs[0] * signs[1] < 0)
    return any(says) if says else None


def _with_anchor(items: Mapping[str, Item], name: str, others: Sequence[str], frame: pd.DataFrame) -> float:
    """Correlation with the mean of what was asked on other codes, each on its range and in its direction; 0 where unknown."""
    if not others:
        return 0.0
    values = [
        (frame[o] - items[o].lowest) / (items[o].highest - items[o].lowest) * (-1 if items[o].reverse else 1)
        for o in others
        if items[o].scale
    ]
    return _correlation(frame[name], pd.concat(values, axis=1).mean(axis=1)) if values else 0.0


def _correlation(one: pd.Series, other: pd.Series) -> float:
    both = one.notna() & other.notna()
    if both.sum() < LEAST_ANSWERS or one[both].nunique() < 2 or other[both].nunique() < 2:
        return 0.0
    return float(np.corrcoef(one[both], other[both])[0, 1])


def _fault(wave: Wave, file: str, items: Sequence[str]) -> Fault:
    names = ", ".join(items[:5]) + (" …" if len(items) > 5 else "")
    return Fault(
        f"{wave.label}{file}",
        0,
        f"{len(items)} items ({names}) look turned round against the wave before: their means stand near the mirror of those "
        "before, or they go the other way with the rest. Was 1 the best answer this time? Then say under values which code each "
        "means; if members really changed their minds, accept this in wave.yaml under decisions (rule: direction)",
        f"{len(items)} 道题（{names}）与上一波次相比像是方向相反：均值接近上一波次的镜像，或与其他题目的相关反了号。"
        "这次 1 是否表示最好？如是，请在 values 中写明各值对应的编码；若会员的看法确实改变，"
        "请在 decisions 中说明接受（rule: direction）",
    )


def against_the_rest(members: pd.DataFrame, scales: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Items, by wave, that correlate negatively with the mean of the rest of their scale, reversed items reversed.

    Parameters
    ----------
    members : DataFrame
        ``wave`` and the items, in the direction in which the scale counts them.
    scales : mapping
        Items of each scale; scales of two items say nothing of which is wrong.
    """
    found: dict[str, list[str]] = {}
    for wave, frame in members.groupby("wave", sort=True):
        for items in scales.values():
            there = [i for i in items if i in frame and frame[i].notna().any()]
            for item in there if len(there) >= LEAST_ITEMS else ():
                rest = frame[[i for i in there if i != item]].mean(axis=1)
                if _correlation(frame[item], rest) < -CLEAR:
                    found.setdefault(str(wave), []).append(item)
    return found
