"""Who answered, out of how many, and what the weights cost.

Sources: the answers of the panel, and the registry's counts of members.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import pandas as pd

from analysis.tidy import tidy_frame

Z = NormalDist().inv_cdf(0.975)


@dataclass(frozen=True, slots=True)
class ResponseFit:
    """Answers against members.

    Attributes
    ----------
    rows : DataFrame
        Tidy table. Term ``answered``: statistic ``people`` (answers) and ``response_rate`` (answers / registry members), by
        wave and group. Term ``weights``: statistic ``weight_effect`` (Kish) by wave.
    """

    rows: pd.DataFrame

    def tidy(self) -> pd.DataFrame:
        """Return the rows, one a number."""
        return self.rows.copy()


def response(
    members: pd.DataFrame,
    registry: pd.DataFrame | None,
    *,
    group: str | None,
    wave: str,
    hierarchy: pd.DataFrame | None,
    weights: str | None = None,
) -> ResponseFit:
    r"""Count answers, compare them with the registry's members, and say what unequal weights cost.

    With :math:`n` answers of :math:`N` members the response rate is :math:`n/N`, with Wilson's 95 % interval (1927), which takes
    whoever answered as a draw from those who might. The weights' effect is Kish's :math:`1 + cv^2(w)` (1965, 11.7).

    Parameters
    ----------
    members : DataFrame
        One row an answer, with the columns named.
    registry : DataFrame or None
        ``members`` (a count), ``region`` and the named columns; a place's own row counts where no place above it is in the
        registry. None, or no row for a wave: the rate is ``not_asked``.
    group, wave : str
        Column names; group None: not cut by it.
    hierarchy : DataFrame or None
        ``code, parent``; None: all rows of the registry are added.
    weights : str, optional
        Column of weights; None: no row for their effect.

    Returns
    -------
    ResponseFit
        ``n`` = answers.

    Examples
    --------
    >>> answers = pd.DataFrame({"wave": ["1"] * 4, "group": ["a", "a", "b", "b"]})
    >>> fit = response(answers, None, group="group", wave="wave", hierarchy=None)
    >>> fit.tidy().query("statistic == 'people'")["estimate"].tolist()
    [4.0, 2.0, 2.0]
    """
    counts = _both(members.assign(_one=1.0), "_one", group, wave)
    asked = _both(_tops(registry, hierarchy), "members", group, wave) if registry is not None else {}
    rows = [row for key, n in sorted(counts.items()) for row in _rows(key, n, asked.get(key, np.nan))]
    if weights is not None:
        rows += [_effect(str(w), part[weights].to_numpy(dtype="float64")) for w, part in members.groupby(wave)]
    return ResponseFit(tidy_frame(rows))


def _tops(registry: pd.DataFrame, hierarchy: pd.DataFrame | None) -> pd.DataFrame:
    """Registry rows that no other row of the same wave and group contains."""
    if hierarchy is None:
        return registry
    parent = dict(zip(hierarchy["code"], hierarchy["parent"], strict=True))
    there = set(registry[["wave", "group", "region"]].itertuples(index=False, name=None))

    def contained(wave: str, group: str, region: str) -> bool:
        above = parent.get(region)
        while above:
            if (wave, group, above) in there:
                return True
            above = parent.get(above)
        return False

    keys = registry[["wave", "group", "region"]].itertuples(index=False, name=None)
    return registry[[not contained(*key) for key in keys]]


def _both(frame: pd.DataFrame, count: str, group: str | None, wave: str) -> dict[tuple[str, str], float]:
    """Sums of a count for each wave, and for each wave and group."""
    sums = {(str(w), "*"): float(v) for w, v in frame.groupby(wave)[count].sum().items()}
    if group is not None:
        parts = frame.groupby([wave, group])[count].sum()
        sums |= {(str(w), str(g)): float(v) for (w, g), v in parts.items()}
    return sums


def _rows(key: tuple[str, str], n: float, total: float) -> list[dict[str, object]]:
    place = {"wave": key[0], "group": key[1], "term": "answered", "n": n}
    counted = place | {"statistic": "people", "estimate": n}
    rate = place | {"statistic": "response_rate"}
    if not total > 0:
        return [counted, rate | {"status": "not_asked", "n": np.nan}]
    if n > total:
        return [counted, rate | {"status": "not_estimable", "basis": "registry smaller than answers"}]
    p = n / total
    centre = (p + Z**2 / (2 * total)) / (1 + Z**2 / total)
    half = Z / (1 + Z**2 / total) * np.sqrt(p * (1 - p) / total + Z**2 / (4 * total**2))
    error = np.sqrt(p * (1 - p) / total)
    return [counted, rate | {"estimate": p, "std_error": error, "conf_low": centre - half, "conf_high": centre + half}]


def _effect(wave: str, weights: np.ndarray) -> dict[str, object]:
    effect = len(weights) * np.sum(weights**2) / np.sum(weights) ** 2
    return {"wave": wave, "term": "weights", "statistic": "weight_effect", "estimate": effect, "n": len(weights)}
