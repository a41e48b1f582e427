"""How was a question asked then, and how is it asked now?  Changes between two waves, from the instrument and from the answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.methods.design import label, numeric

Floats = NDArray[np.float64]
OTHER_RANGE = 1.5  # ratio of the ranges of answers from which codes must be others
ENOUGH = 30  # answers from which a range is looked at
PROFILE = 4  # items from which a profile is looked at
OPPOSITE = -0.5  # correlation of two waves' item means from which a wave looks turned round
NEARER = 0.5  # share of the squared distance that is left when the wave is turned back
LINKED = 0.15  # correlation with other scales from which its sign says something


@dataclass(frozen=True, slots=True)
class Change:
    """What changed for one scale between two waves.

    Attributes
    ----------
    form : mapping of item to bool
        Items whose codes or direction changed, or that one wave did not ask.
    wording : mapping of item to bool
        Items with the same codes and other words.
    turned : bool
        The answers of one wave look turned round as a whole.
    """

    form: Mapping[str, bool]
    wording: Mapping[str, bool]
    turned: bool

    def lost(self, items: Sequence[str]) -> list[str]:
        """Items that are not the same question any more."""
        return [i for i in items if self.form.get(i, False)]

    def reworded(self, items: Sequence[str]) -> list[str]:
        """Items with other words."""
        return [i for i in items if self.wording.get(i, False) and not self.form.get(i, False)]

    def same(self, items: Sequence[str]) -> tuple[str, ...]:
        """Items with the same codes, whatever their words."""
        return tuple(i for i in items if not self.form.get(i, False))


def changes(
    both: pd.DataFrame,
    wave: str,
    waves: tuple[str, str],
    scales: Mapping[str, Sequence[str]],
    forms: pd.DataFrame | None,
    limits: Mapping[str, tuple[float, float]],
) -> dict[str, Change]:
    """Compare two waves question by question.

    Parameters
    ----------
    both : DataFrame
        Answers of the two waves.
    wave : str
        Their column.
    waves : (earlier, latest)
    scales : mapping of str to sequence of str
    forms : DataFrame or None
        ``wave, item, form, wording``.
    limits : mapping
        {item: (lowest, highest)}.

    Returns
    -------
    dict of str to Change
    """
    sides = [both[both[wave] == w] for w in waves]
    turned = turned_round(sides, scales, limits)
    told = None if forms is None else [_forms(forms, w) for w in waves]
    out = {}
    for scale, items in scales.items():
        form, wording = {}, {}
        for item in items:
            form[item] = _other(item, sides, told)
            wording[item] = told is not None and not form[item] and told[0][item][1] != told[1][item][1]
        out[scale] = Change(form, wording, turned[scale])
    return out


def _forms(forms: pd.DataFrame, wave: str) -> dict[str, tuple[str, str]]:
    rows = forms[forms["wave"].map(label) == wave]
    return {str(r["item"]): (str(r["form"]), str(r["wording"])) for r in rows.to_dict("records")}


def _other(item: str, sides: Sequence[pd.DataFrame], told: Sequence[Mapping[str, tuple[str, str]]] | None) -> bool:
    """Whether codes or direction differ, by the instrument, or else by the answers."""
    if told is not None:
        if any(item not in t for t in told):
            return True
        if told[0][item][0] != told[1][item][0]:
            return True
    values = [_answers(side, item) for side in sides]
    if any(len(v) == 0 for v in values):
        return True
    if told is not None or any(len(v) < ENOUGH for v in values):
        return False
    spans = [float(np.ptp(v)) for v in values]
    return min(spans) == 0 or max(spans) / min(spans) >= OTHER_RANGE


def _answers(side: pd.DataFrame, item: str) -> Floats:
    values = numeric(side, item)
    return values[~np.isnan(values)]


def turned_round(
    sides: Sequence[pd.DataFrame], scales: Mapping[str, Sequence[str]], limits: Mapping[str, tuple[float, float]]
) -> dict[str, bool]:
    """Whether a scale, or the whole wave, was answered or stored the other way round.

    Two signs, each enough. The profile of item means of four items or more runs against that of the other wave, and fits it much
    better when turned; looked at for each scale and for all items together. The scale's correlation with the sum of the other
    scales has the other sign.
    """
    means = [_profile(side, scales, limits) for side in sides]
    every = _opposite(*(pd.concat(list(m.values())) if m else pd.Series(dtype=float) for m in means))
    links = [_links(side, scales) for side in sides]
    out = {}
    for scale in scales:
        alone = scale in means[0] and scale in means[1] and _opposite(means[0][scale], means[1][scale])
        then, now = (link.get(scale, 0.0) for link in links)
        out[scale] = every or alone or (min(abs(then), abs(now)) >= LINKED and then * now < 0)
    return out


def _profile(
    side: pd.DataFrame, scales: Mapping[str, Sequence[str]], limits: Mapping[str, tuple[float, float]]
) -> dict[str, pd.Series]:
    """Mean of each item as a share of its range, from -1 to 1, by scale."""
    out = {}
    for scale, items in scales.items():
        found = {}
        for item in items:
            values = _answers(side, item)
            low, high = limits.get(item) or ((float(values.min()), float(values.max())) if len(values) else (0.0, 0.0))
            if len(values) >= ENOUGH and high > low:
                found[item] = 2 * (float(values.mean()) - low) / (high - low) - 1
        out[scale] = pd.Series(found, dtype=float)
    return out


def _opposite(then: pd.Series, now: pd.Series) -> bool:
    shared = [i for i in dict.fromkeys(then.index) if i in now.index]
    if len(shared) < PROFILE:
        return False
    x, y = (s[~s.index.duplicated()].loc[shared].to_numpy(dtype=float) for s in (then, now))
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        return False
    against = float(np.corrcoef(x, y)[0, 1]) < OPPOSITE
    return against and float(((x + y) ** 2).sum()) < NEARER * float(((x - y) ** 2).sum())


def _links(side: pd.DataFrame, scales: Mapping[str, Sequence[str]]) -> dict[str, float]:
    """Correlation of each scale with the sum of the others, all standardised."""
    scores = {}
    for scale, items in scales.items():
        there = [i for i in items if i in side and len(_answers(side, i)) >= ENOUGH]
        if there:
            score = np.column_stack([numeric(side, i) for i in there]).mean(axis=1)
            if np.nanstd(score) > 0:
                scores[scale] = (score - np.nanmean(score)) / np.nanstd(score)
    out = {}
    for scale, own in scores.items():
        rest = [s for other, s in scores.items() if other != scale]
        if rest:
            both = np.column_stack([own, np.sum(rest, axis=0)])
            both = both[~np.isnan(both).any(axis=1)]
            out[scale] = (
                float(np.corrcoef(both.T)[0, 1]) if len(both) >= ENOUGH and np.ptp(both, axis=0).min() > 0 else 0.0
            )
    return out
