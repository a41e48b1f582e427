"""Who answered, out of how many, and what the weights cost.

Sources: the answers of the panel, and the registry's counts of members.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from analysis.methods.counts import given, keyed, of_cut, parents_of, place_people, require, roll_up, wilson
from analysis.methods.design import label
from analysis.methods.series import mark_broken
from analysis.tidy import ALL, tidy_frame

TOO_SMALL = "registry smaller than answers"
NUMBERS = ["estimate", "std_error", "conf_low", "conf_high"]


@dataclass(frozen=True, slots=True)
class ResponseFit:
    """Answers against members.

    Attributes
    ----------
    rows : DataFrame
        Tidy table. Term ``response``: statistic ``people`` (number of answers) and ``response_rate`` (a share of the
        registry's members), by wave, by group, and by region at every level. Term ``answered_again`` by wave and by group. Term
        ``weights``: statistics ``weight_effect`` (Kish, 1 or more) and ``effective_n`` by wave.
    """

    rows: pd.DataFrame

    def tidy(self) -> pd.DataFrame:
        """Return the rows, one a number."""
        return self.rows.copy()

    def __repr__(self) -> str:
        answers = self.rows.query("statistic == 'people' and group == '*' and region == '*'")["estimate"].sum()
        return f"ResponseFit({answers:.0f} answers; status {self.rows['status'].value_counts().to_dict()})"


def response(
    members: pd.DataFrame,
    registry: pd.DataFrame | None,
    *,
    group: str | None,
    region: str | None,
    wave: str | None,
    hierarchy: pd.DataFrame | None,
    weights: str | None = None,
    again: str | None = None,
    invited: Mapping[str, int] | None = None,
) -> ResponseFit:
    r"""Count answers, compare them with the registry's members, and say what unequal weights cost.

    ============== ============== ==============================================================================
    term           statistic      estimate
    ============== ============== ==============================================================================
    response       people         :math:`n`, the answers
    response       response_rate  :math:`n'/N`: answers where the registry counts members, of those members
    answered_again proportion     share of those who answered that were seen among the answers of the wave after
    response       invited_rate   :math:`n / I`: answers of those who were invited, of a whole wave
    weights        weight_effect  :math:`m \sum w^2 / (\sum w)^2 = 1 + cv^2(w)`, of m answers (Kish 1965, 11.7)
    weights        effective_n    :math:`(\sum w)^2 / \sum w^2`: as many answers of equal weight tell as much
    ============== ============== ==============================================================================

    The rate's interval is Wilson's at 95 % (1927), which takes whoever answered as a draw from those who might.

    Parameters
    ----------
    members : DataFrame
        One row an answer, with the columns named. A missing group or region counts in the whole only.
    registry : DataFrame or None
        ``members`` (count) and the named columns; a place's number is its own row, else the sum right below it. None,
        empty, or no number for a unit: its rate is ``not_asked``.
    group, region, wave : str or None
        Column names; None: not cut by it.
    hierarchy : DataFrame or None
        ``code, parent``: a place stands for itself and all below it. With ``comparable_from``, earlier waves of places whose
        boundaries moved are ``series_broken`` (`analysis.methods.series`).
    weights : str, optional
        Column of weights, 0 or more, none missing; None: no row for their effect. Counts and rates are not weighted.
    again : str, optional
        Column that says ``again`` of answers whose person was seen again in the wave after, something else of the others, and
        is missing where nobody can tell; None: no row.
    invited : mapping, optional
        {wave: people invited}, where that is known; fewer than answered is ``not_estimable``.

    Returns
    -------
    ResponseFit
        ``n`` = answers (people, weight_effect) or the registry's members (response_rate). Cuts: all, group, region.

    Raises
    ------
    ValueError
        For missing columns, a place that is its own ancestor, a hierarchy without region, weights that are missing, below
        0 or all 0.

    Notes
    -----
    Units of the registry that nobody answered from are 0 in a wave that has answers: everyone is taken to have been asked.
    More answers than members is ``not_estimable``. The registry counts memberships: the rate over several groups is one
    of memberships.

    Examples
    --------
    >>> answers = pd.DataFrame({"wave": ["1"] * 4, "group": ["a", "a", "b", "b"]})
    >>> counts = pd.DataFrame({"wave": "1", "group": ["a", "b"], "members": [8, 4]})
    >>> fit = response(answers, counts, group="group", region=None, wave="wave", hierarchy=None)
    >>> fit.tidy().query("statistic == 'response_rate'")["estimate"].round(3).tolist()
    [0.333, 0.25, 0.5]
    """
    columns = {"wave": wave, "group": group, "region": region}
    registry = given(registry)
    require("members", members, [*columns.values(), weights, again])
    require("registry", registry, ["members", *columns.values()])
    parents = parents_of(hierarchy, region)
    counts = roll_up(None if registry is None else keyed(registry, columns, ["members"]), "members", parents)
    answers = keyed(members, columns)
    # Waves that have no answers, but a registry, were not surveyed.
    counts = counts[counts["wave"].isin(answers["wave"].unique())]
    placed = place_people(answers, parents, counts)
    cuts = [["wave"], *(["wave", k] for k, c in (("group", group), ("node", region)) if c is not None)]
    tables = [_answered(placed, counts, by) for by in cuts]
    if weights is not None:
        tables.append(_effect(answers["wave"], members[weights]))
    if invited and wave is None:
        raise ValueError("invited= is by wave: name the column of waves, or leave it out")
    if invited:
        invited = {label(w): n for w, n in invited.items()}
        tables.append(_invited(answers["wave"], invited))
    if again is not None:
        marked = answers.assign(again=members[again].to_numpy()).dropna(subset=["again"])
        keys = [["wave"], *([["wave", "group"]] if group is not None else [])]
        tables += [_again(marked, by) for by in keys if len(marked)]
    return ResponseFit(mark_broken(tidy_frame(pd.concat(tables, ignore_index=True)), hierarchy))


def _answered(placed: pd.DataFrame, counts: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """Give each unit of a cut its answers, and its rate below them."""
    answers = of_cut(placed, by).groupby(list(by))["counted"].agg(people="size", counted="sum")
    known = of_cut(counts, by).groupby(list(by))[["members"]].sum()
    units = answers.join(known, how="outer").reset_index().rename(columns={"node": "region"})
    units[["people", "counted"]] = units[["people", "counted"]].fillna(0).astype("float64")
    keys = units.drop(columns=["people", "counted", "members"]).assign(term="response")
    people = keys.assign(statistic="people", estimate=units["people"], n=units["people"])
    return pd.concat([people, _rates(keys, units)]).sort_index(kind="stable")


def _rates(keys: pd.DataFrame, units: pd.DataFrame) -> pd.DataFrame:
    too_many = units["counted"] > units["members"]
    status = pd.Series("ok", index=units.index, dtype=object)
    status = status.mask(too_many | (units["members"] == 0), "not_estimable").mask(units["members"].isna(), "not_asked")
    numbers = wilson(units["counted"], units["members"])
    numbers.loc[status != "ok", NUMBERS] = None
    basis = pd.Series("", index=units.index).mask(too_many, TOO_SMALL)
    return keys.assign(statistic="response_rate", status=status, basis=basis).join(numbers)


def _effect(waves: pd.Series, weights: pd.Series) -> pd.DataFrame:
    """Kish's effect of each wave's weights."""
    w = weights.reset_index(drop=True).astype("float64")
    sums = pd.DataFrame({"n": 1.0, "w": w, "squares": w**2}, index=w.index).groupby(waves).sum()
    if wrong := int((~(w >= 0)).sum()) or int((sums["w"] == 0).sum()):
        raise ValueError(
            f"{wrong} weights are missing or below 0, or all of a wave are 0: mend the column {weights.name}"
        )
    effect = sums["n"] * sums["squares"] / sums["w"] ** 2
    rows = sums[["n"]].rename_axis("wave").reset_index()
    numbers = {"weight_effect": effect, "effective_n": sums["n"] / effect}
    parts = [rows.assign(statistic=k, estimate=v.to_numpy()) for k, v in numbers.items()]
    return pd.concat(parts).sort_index(kind="stable").assign(term="weights")


def _invited(waves: pd.Series, invited: Mapping[str, int]) -> pd.DataFrame:
    known = waves.value_counts().reindex([w for w in invited if (waves == w).any()]).rename("people").reset_index()
    asked = known["wave"].map(invited).astype("float64")
    numbers = wilson(known["people"].clip(upper=asked), asked)
    numbers.loc[known["people"] > asked, NUMBERS] = None
    basis = pd.Series("", index=known.index).mask(known["people"] > asked, TOO_SMALL)
    return known[["wave"]].assign(term="response", statistic="invited_rate", basis=basis).join(numbers)


def _again(marked: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    rows = marked if "group" not in by else marked[marked["group"] != ALL]
    known = rows.assign(came=rows["again"] == "again").groupby(list(by))["came"].agg(["sum", "size"]).reset_index()
    keys = known[list(by)].assign(term="answered_again", statistic="proportion")
    return keys.join(wilson(known["sum"], known["size"]))
