"""Items to scales: answers are reversed here, once, and a scale is the mean of its items.

Items come in one form a wave. The newest form is the one that counts: where a wave asked in another form (other codes or
limits) the item is not comparable and is missing for that wave.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from survey.instrument import Item
from survey.study import Study, Wave

ITEM_COLUMNS = ["item", "module", "scale", "lowest", "highest", "reverse", "kind", "wording_changed", "series_broken"]
EXACT = 1e-9  # a share such as 0.55 of 20 items must not fail for its last binary digit


def newest_forms(study: Study, waves: Sequence[Wave]) -> dict[str, Item]:
    """Give the form of each item in the newest of the waves that asked it, in the instrument's order."""
    forms: dict[str, Item] = {}
    for wave in waves:
        forms |= _asked(study, wave)
    order = {item.name: item.line for item in reversed(study.items)}
    return dict(sorted(forms.items(), key=lambda pair: order[pair[0]]))


def comparable(
    study: Study, wave: Wave, answers: pd.DataFrame, forms: Mapping[str, Item]
) -> tuple[pd.DataFrame, list[str]]:
    """Reverse what is to be reversed; take out items that this wave asked in a form that is not comparable."""
    out, broken = answers.copy(), []
    for name, item in _asked(study, wave).items():
        columns = [c for c in answers.columns if c.partition("=")[0] == name]
        if not item.same_form(forms[name]):
            broken.append(name)
            out = out.drop(columns=columns)
        elif item.reverse:
            out[columns] = item.lowest + item.highest - out[columns]
    return out, broken


def scales_of(forms: Mapping[str, Item], scales: Mapping[str, object]) -> dict[str, tuple[str, ...]]:
    """Items of each scale; none for a scale that arrives scored."""
    return {scale: tuple(i.name for i in forms.values() if i.scale == scale and i.name != scale) for scale in scales}


def score(members: pd.DataFrame, scales: Mapping[str, tuple[str, ...]], min_share: Mapping[str, float]) -> pd.DataFrame:
    """Add a column a scale: the mean of its answered items where at least the least share of them is answered.

    Items that a wave did not ask at all do not count against the share in that wave.
    """
    scored = {}
    for scale, names in scales.items():
        there = [n for n in names if n in members]
        if there:
            values = members[there].to_numpy(dtype="float64")
            answered = np.isfinite(values)
            asked = pd.DataFrame(answered).groupby(members["wave"].to_numpy()).transform("any").to_numpy().sum(axis=1)
            n = answered.sum(axis=1)
            enough = (n > 0) & (n >= min_share[scale] * asked - EXACT)
            total = np.where(answered, values, 0.0).sum(axis=1)
            scored[scale] = np.where(enough, total / np.maximum(n, 1), np.nan)
    return pd.concat([members, pd.DataFrame(scored, index=members.index)], axis=1)


def item_table(
    study: Study, waves: Sequence[Wave], forms: Mapping[str, Item], broken: Mapping[str, list[str]]
) -> pd.DataFrame:
    """One row an item: what it is, whether its wording changed, and in which waves it is missing for its form."""
    rows = []
    for name, item in forms.items():
        wordings = {(i.wording, _labels(i)) for w in waves for n, i in _asked(study, w).items() if n == name}
        missing = " ".join(wave for wave, names in broken.items() if name in names)
        limits = (item.lowest, item.highest)
        rows.append((name, item.module, item.scale, *limits, item.reverse, item.kind, len(wordings) > 1, missing))
    return pd.DataFrame(rows, columns=ITEM_COLUMNS)


def form_table(study: Study, waves: Sequence[Wave]) -> pd.DataFrame:
    """How each wave asked each item: ``wave, item, form, wording``; texts that differ where codes or direction, or words, do."""
    rows = [
        (wave.name, name, item.form_text, repr((item.wording, _labels(item))))
        for wave in waves
        for name, item in _asked(study, wave).items()
    ]
    return pd.DataFrame(rows, columns=["wave", "item", "form", "wording"], dtype="str")


def _labels(item: Item) -> tuple[tuple[str, str, str], ...]:
    return tuple((code, text.en, text.zh) for code, text in item.codes.codes.items()) if item.codes else ()


def _asked(study: Study, wave: Wave) -> dict[str, Item]:
    return {i.name: i for i in study.items if i.asked_in(wave.settings.instrument)}
