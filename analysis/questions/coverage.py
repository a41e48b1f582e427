"""How many of those it is there for an organisation reaches, in places and kinds of people; with what means; and whom it misses.

Two full coverages are asked for (organisations and venues in every place), the establishment rate, and effective coverage (who
was reached at least once in the window). Each unit is compared with its target or the whole, and blind spots are named by a
rule that few are named by chance. Beside these stand what there is to work with, and whether those in need are reached as
much as the rest. Sources: the registry's counts, the log's careers, and answers that may be linked to it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import pandas as pd

from analysis.methods.blind_spots import ADJUST, held_against
from analysis.methods.counts import given, levels_of, parents_of, require
from analysis.methods.design import Design
from analysis.methods.equity import equity_gaps
from analysis.methods.full_coverage import full_coverage
from analysis.methods.linked import (
    REACH,
    TERM,
    Cuts,
    cuts_of,
    indicator,
    linked_coverage,
    mark_silent,
    unasked,
    with_reach,
)
from analysis.methods.registry_shares import PARTS, Counts, organisation_shares, read_counts
from analysis.methods.resources import chosen_resources, means
from analysis.methods.series import mark_broken
from analysis.tidy import ALL, COLUMNS, tidy_frame

CUTS = ("group", "region")
PLAIN = ((), ("group",), ("region",), CUTS)
LINK = "log_member"


@dataclass(frozen=True, slots=True)
class CoverageFit:
    """Coverage of one cut.

    Attributes
    ----------
    rows : DataFrame
        Tidy table; shares in [0, 1], gaps in [-1, 1], blind spots a number of units.
    cut : str
        ``*``, ``group``, ``region``, ``group:region``, or with columns of the answers.
    targets : dict
        {statistic: share} that the rows were compared with.
    """

    rows: pd.DataFrame
    cut: str
    targets: dict[str, float]

    def tidy(self) -> pd.DataFrame:
        """Return the rows, one a number."""
        return self.rows.copy()

    def __repr__(self) -> str:
        status = self.rows["status"].value_counts().to_dict()
        return f"CoverageFit(by {self.cut}; targets {self.targets}; status {status})"


def coverage(
    registry: pd.DataFrame | None,
    careers: pd.DataFrame | None,
    *,
    observed: pd.DataFrame | None,
    by: Sequence[str],
    wave: str | None,
    hierarchy: pd.DataFrame | None,
    target: Mapping[str, float] | None = None,
    members: pd.DataFrame | None = None,
    design: Design | None = None,
    link: str = LINK,
    adjust: str = "holm",
    resources: Sequence[str] | None = None,
    in_need: str | None = None,
    benefit: str | None = None,
    reach: str | None = None,
) -> CoverageFit:
    r"""Compare who took part, what is established and what there is to work with, with the registry; name blind spots.

    ================= ===================== ==========================================================================
    term              statistic             estimate
    ================= ===================== ==========================================================================
    took_part         coverage              memberships (person x organisation) that took part / members
    established       organisation_coverage established / organisations (establishment rate)
    established       organisation_full     places of a level with an established organisation / places of the level
    venues            venue_full            places of a level with a venue / places of the level
    took_part_linked  coverage              answering members who took part / those linked to the log
    took_part_linked  coverage_lowest,      the same of all who answered, if nobody, or everybody, of those not linked
                      coverage_highest      took part; only where some are not linked
    took_part, ...    gap_to_target         the share minus its target, its interval moved likewise
    took_part, ...    blind_spot            a unit that is named: its share minus the reference (the target, else the
                                            share of all in the wave); only units that are named have this row
    blind_spot        units                 number of units named; ``domain`` is ``measure=coverage`` or
                                            ``measure=organisation_coverage``; ``n``: denominators of the units compared
    staff, venues,    per_100_members       the registry's count (funds: their unit) for a hundred members
    funds
    took_part         times_per_venue       times that people took part / venues
    staff, venues,    rank_correlation      Spearman's, of per_100_members with coverage over the units
    funds
    took_part_linked, share                 share reached, or with the benefit; ``domain`` ``in_need=1``, ``in_need=0``
    or a column
    the same          equity_gap            share of those in need minus share of the rest, ``domain`` ``in_need=1 - 0``
    ================= ===================== ==========================================================================

    **Registry and log.** Intervals are Wilson's (1927, the score interval) at 95 % on the denominator. Both numerators are
    full counts without sampling error; the interval takes the units as a draw from a superpopulation, so that a rate carried
    by few is not called a blind spot by chance. Full coverages: ``domain`` ``level=...``, places as `hierarchy` has them
    (`analysis.methods.full_coverage`).

    **Columns of the answers** (`by` with a column of `members`, such as the kind of employer): registries do not count them, so
    coverage is of answering members who consented to the link and have a career in the window, with their own organisation where
    both frames have ``group``; design-based, Wilson's interval on the effective number. It stands for all members only as far
    as those who consented are like the others: the two bounds (Manski 1989) say what that leaves open.

    **Blind spots.** The units of a wave and of a level of places are compared together by an exact one-sided binomial test (Clopper
    & Pearson 1934; for answers on the effective number, Korn & Graubard 1998), adjusted by Holm, so that in at most 1 family in
    40 any unit is named that is not below, or with ``adjust="bh"`` so that of those named few are (Benjamini & Hochberg 1995). The
    interval is that of the same test, made for all units at once, and ends below 0 (for the last that Holm names, at 0):
    `analysis.methods.blind_spots`. Each level is tested by itself: a place below one that is named is named only where it is
    below the reference itself.

    **Means.** ``per_100_members`` is of full counts and has no interval. ``times_per_venue`` has one that takes careers as coming
    at random, each with its own number of times; ``rank_correlation`` Bonett and Wright's (2000), for 10 units or more, places of
    each level for themselves: an association over units, which is not what more staff would bring (`analysis.methods.resources`).

    **Equity.** Both shares are design-based, the gap takes their covariance into account, with Student's t
    (`analysis.methods.equity`). With `reach` or `benefit` the term is that column's name.

    Parameters
    ----------
    registry : DataFrame or None
        ``group, region`` and the wave's column; ``members`` for people, ``established`` and ``organisations`` for
        organisations, ``staff, venues, funds``. A place's number is its own row, else the sum right below it. None or
        empty: ``not_asked``.
    careers : DataFrame or None
        ``member, group, region`` and the wave's column; ``count``, the times of each, for the use of venues. None: coverage of
        people is ``not_asked``.
    observed : DataFrame or None
        ``organisation, reported`` and the wave's column. Organisations not in it, or that did not report, are
        ``not_reported`` and count neither as people nor as members; established ones count always. None: all reported.
    by : sequence of str
        ``()``, ``("group",)``, ``("region",)`` or both; region means places of every level. With columns of `members` among
        them, only what comes from the answers is given, and ``domain`` names their values.
    wave : str or None
        Column name.
    hierarchy : DataFrame or None
        ``code, parent, level``: a place stands for itself and all below it. ``valid_to``: a place that ended is no place that could
        have an organisation. With ``comparable_from``, earlier waves of places whose
        boundaries moved are ``series_broken`` (`analysis.methods.series`).
    target : mapping, optional
        {statistic or cut: share in (0, 1]}: ``coverage``, ``organisation_coverage``, or a cut's name (``*``,
        ``group``, ``region``, ``group:region``, a column of the answers), which holds for people and goes before ``coverage``.
        Names of other cuts are for other calls.
    members : DataFrame, optional
        Answers, a row a person and wave: the columns named by `by`, `link`, `in_need`, `benefit`, `reach`; ``group, region`` and
        the wave's column. Give all rows that were weighted: who is not asked of is left out by itself.
    design : Design, optional
        How the answers were drawn. None: a simple random sample.
    link : str
        Column of the log's pseudonym; missing where the member did not consent.
    adjust : {"holm", "bh"}
        For blind spots.
    resources : sequence of str, optional
        Of ``staff, venues, funds``. None: those that the registry has; ``()``: none.
    in_need, benefit, reach : str, optional
        Columns of `members` of 1 and 0 (or bool): who is in need; who benefited; who was reached, in place of the linked log.
        Missing answers count in neither side.

    Returns
    -------
    CoverageFit
        ``n``: the denominator (members, organisations, places, people linked, answers); of ``times_per_venue`` the careers, of
        ``rank_correlation`` the units, of ``equity_gap`` the smaller side.

    Raises
    ------
    ValueError
        For cuts and targets that are not known, targets that touch no row of this call, missing columns, columns that do not hold
        1 and 0, and options that would change nothing.

    Notes
    -----
    Registries count memberships, so a person counts once with each organisation, as in `fit_attraction`; rows of the
    registry without an organisation are taken to count memberships too. Units of every level count in ``blind_spot``: a
    place and the places below it, each.

    Examples
    --------
    >>> frame = pd.DataFrame({"group": ["a"], "region": ["x"], "members": [4]})
    >>> came = pd.DataFrame({"member": ["p"], "group": ["a"], "region": ["x"]})
    >>> fit = coverage(frame, came, observed=None, by=(), wave=None, hierarchy=None)
    >>> fit.tidy()["estimate"].tolist()
    [0.25]
    """
    registry, by = given(registry), tuple(by)
    _check_options(by, members, design, link, adjust, resources, in_need, benefit, reach)
    targets, parents = _targets(by, target, registry, members), parents_of(hierarchy, "region")
    answers = None
    if members is not None:
        answers = _answers(
            members, careers, observed, by, wave, link, hierarchy, design, looked_up=bool(_extra(by)) or not reach
        )
    if answers is not None and _extra(by):
        tables = _of_answers(answers, hierarchy, targets, adjust, levels_of(hierarchy, parents))
    else:
        counts = read_counts(registry, careers, observed, wave, parents, hierarchy)
        tables = _compared(counts, by, targets, adjust, hierarchy)
        tables.append(_full(counts, hierarchy, by))
        tables += means(counts, by, chosen_resources(registry, resources), tables[0])
        if registry is not None and {"established", "organisations"} <= set(registry.columns):
            tables.append(_uncounted(tables[0]))
    if answers is not None and in_need is not None:
        tables.append(_equity(answers, in_need, benefit, reach))
    rows = tidy_frame(pd.concat([t for t in tables if len(t)], ignore_index=True))
    return CoverageFit(mark_broken(rows, hierarchy), ":".join(by) or ALL, targets)


def _extra(by: Sequence[str]) -> list[str]:
    return [c for c in by if c not in CUTS]


def _check_options(
    by: tuple[str, ...],
    members: pd.DataFrame | None,
    design: Design | None,
    link: str,
    adjust: str,
    resources: Sequence[str] | None,
    in_need: str | None,
    benefit: str | None,
    reach: str | None,
) -> None:
    """Refuse cuts that are not known, and options that would change nothing."""
    extra = _extra(by)
    if len(set(by)) < len(by) or (not extra and by not in PLAIN) or (extra and members is None):
        raise ValueError(
            f"by is (), ('group',), ('region',) or ('group', 'region'), or has columns of the answers, which need members=;"
            f" it is {by}"
        )
    if adjust not in ADJUST:
        raise ValueError(f"adjust must be one of {', '.join(ADJUST)}; seen {adjust!r}")
    if members is not None and not extra and in_need is None:
        raise ValueError("members= changes nothing here: cut by one of its columns, or name in_need=")
    given_alone = {"design": design is not None, "link": link != LINK, "in_need": in_need is not None}
    if members is None and any(given_alone.values()):
        raise ValueError(f"{[k for k, v in given_alone.items() if v]} changes nothing without members=, the answers")
    if in_need is None and (benefit or reach):
        raise ValueError("benefit= and reach= change nothing without in_need=, whom to compare with the rest")
    if extra and resources:
        raise ValueError("resources= changes nothing here: the registry counts by group and region, not by answers")


def _targets(
    by: tuple[str, ...],
    target: Mapping[str, float] | None,
    registry: pd.DataFrame | None,
    members: pd.DataFrame | None,
) -> dict[str, float]:
    """Choose the shares that this call's rows are compared with."""
    if not target:
        return {}
    cut = ":".join(by) or ALL
    known = {*PARTS, *(":".join(p) or ALL for p in PLAIN), cut, *(() if members is None else members.columns)}
    wrong = {k: v for k, v in target.items() if k not in known or not 0 < v <= 1}
    if wrong:
        raise ValueError(f"targets are shares above 0 and up to 1 of {[*PARTS]} or a cut's name; not {wrong}")
    chosen = {s: target[s] for s in PARTS if s in target and not (_extra(by) and s != "coverage")}
    if cut in target:
        chosen["coverage"] = target[cut]
    if not chosen:
        raise ValueError(f"the targets {list(target)} touch no row of the cut {cut}: leave them out here")
    counted = set() if registry is None else set(registry.columns)
    if "organisation_coverage" in chosen and not {"established", "organisations"} <= counted:
        raise ValueError("a target of organisation_coverage needs the registry's columns established and organisations")
    return chosen


def _compared(
    counts: Counts, by: tuple[str, ...], targets: Mapping[str, float], adjust: str, hierarchy: pd.DataFrame | None
) -> list[pd.DataFrame]:
    """Give the shares first, then what they are compared with."""
    shares, whole = [counts.people(by)], [counts.people(())]
    registry = counts.registry
    if registry is not None and {"established", "organisations"} <= set(registry.columns):
        shares, whole = (
            [*some, organisation_shares(registry, counts.columns, counts.parents, cut)]
            for some, cut in ((shares, by), (whole, ()))
        )
    rows = mark_broken(tidy_frame(pd.concat(shares, ignore_index=True)), hierarchy)
    size, everybody = rows["n"], tidy_frame(pd.concat(whole, ignore_index=True)) if by else None
    found = [
        table
        for statistic in PARTS
        for table in held_against(
            rows.assign(size=size), everybody, statistic, targets.get(statistic), adjust, counts.levels
        )
    ]
    return [rows, *found]


def _uncounted(rows: pd.DataFrame) -> pd.DataFrame:
    """Say of every wave that no organisations were counted, where the columns for them are empty."""
    if (rows["term"] == "established").any():
        return pd.DataFrame()
    waves = pd.DataFrame({"wave": sorted(rows["wave"].unique())})
    return waves.assign(term="established", statistic="organisation_coverage", status="not_asked")


def _full(counts: Counts, hierarchy: pd.DataFrame | None, by: Sequence[str]) -> pd.DataFrame:
    if counts.registry is None:
        return pd.DataFrame()
    return full_coverage(counts.registry, counts.columns, counts.parents, hierarchy, by)


@dataclass(frozen=True, slots=True)
class _Answers:
    """The answers with what the log says of them, and their cuts."""

    cuts: Cuts
    by: tuple[str, ...]
    wave: str | None
    linked: bool  # they were looked up in a log
    design: Design


def _answers(
    members: pd.DataFrame,
    careers: pd.DataFrame | None,
    observed: pd.DataFrame | None,
    by: tuple[str, ...],
    wave: str | None,
    link: str,
    hierarchy: pd.DataFrame | None,
    design: Design | None,
    *,
    looked_up: bool,
) -> _Answers:
    linked = looked_up and careers is not None
    if linked:
        require("careers", careers, ["member", wave])
        members = with_reach(members, careers, observed, wave=wave, link=link)  # type: ignore[arg-type]
    return _Answers(cuts_of(members, by, wave, hierarchy), by, wave, linked, design or Design())


def _of_answers(
    answers: _Answers,
    hierarchy: pd.DataFrame | None,
    targets: Mapping[str, float],
    adjust: str,
    levels: Mapping[str, str],
) -> list[pd.DataFrame]:
    """Give coverage by columns of the answers, and the blind spots among their values."""
    cuts = answers.cuts
    if not answers.linked:
        return [unasked(cuts.frame, answers.wave)]
    rows = linked_coverage(cuts, answers.design).reset_index(drop=True)
    marked = mark_broken(tidy_frame(rows[list(COLUMNS)]), hierarchy)
    whole = linked_coverage(Cuts(cuts.frame, (cuts.whole,), cuts.whole), answers.design)
    sized = marked.assign(size=rows["size"])
    return [marked, *held_against(sized, whole, "coverage", targets.get("coverage"), adjust, levels)]


def _equity(answers: _Answers, in_need: str, benefit: str | None, reach: str | None) -> pd.DataFrame:
    """Compare those in need with the rest; where there is neither a log nor a column of reach, that is not asked."""
    frame = answers.cuts.frame
    read = {reach: indicator(frame, reach, "reach")} if reach else {}
    read |= {benefit: indicator(frame, benefit, "benefit")} if benefit else {}
    terms = {term: f"as 1 and 0: {term}" for term in read} | ({TERM: REACH} if answers.linked and not reach else {})
    frame = frame.assign(**{terms[term]: values for term, values in read.items()})
    tables = [] if answers.linked or reach else [unasked(frame, answers.wave).assign(statistic="equity_gap")]
    if terms:
        cuts = replace(answers.cuts, frame=frame)
        rows = equity_gaps(cuts, indicator(frame, in_need, "in_need"), terms, answers.design)
        tables.append(mark_silent(rows, frame, answers.wave, answers.by) if TERM in terms else rows)
    return pd.concat(tables, ignore_index=True)
