"""Do members propose, take part, evaluate, benefit and help to design, where do they fall out, and what became of what they said?

群众提出、群众参加、群众评价、群众得益. Sources: the answers (a column of 0 and 1 a step), the log's `careers` for members who
consented to be looked up, and the files of proposals and of rights cases.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from analysis.methods.counts import among, given, keyed, parents_of, require, silent_groups
from analysis.methods.design import Design, label, numeric
from analysis.methods.estimates import estimates
from analysis.methods.lineage import every_cut
from analysis.methods.passing import OF_CHAIN, as_shares, passing
from analysis.methods.series import mark_broken
from analysis.methods.stages import STAGES, Until, stage_rows
from analysis.tidy import ALL, NUMBERS, tidy_frame

LOG_STEPS = {"take_part": "count", "propose": "proposed", "design": "designed"}
ROLES = ("proposed", "designed", "volunteered", "organised")  # columns of careers that only a log with roles can fill
BY_LOG = ("by_log", "agreement", "lowest", "highest")
LEVEL = 0.95
Columns = Mapping[str, str | None]


@dataclass(frozen=True, slots=True, repr=False)
class ChainFit:
    """The members' chain by wave, organisation and place.

    Attributes
    ----------
    rows : DataFrame
        Tidy table: terms are the steps, ``proposals`` and ``cases``; statistics as `chain` says.
    steps : tuple of str
        The steps in their order.
    """

    rows: pd.DataFrame
    steps: tuple[str, ...]

    def tidy(self) -> pd.DataFrame:
        """Return the rows, columns as ``analysis.tidy.COLUMNS``."""
        return self.rows.copy()

    def __repr__(self) -> str:
        states = ", ".join(f"{k} {v}" for k, v in self.rows["status"].value_counts().items())
        return f"ChainFit({' > '.join(self.steps)}; {len(self.rows)} rows: {states})"


def chain(
    members: pd.DataFrame,
    *,
    steps: Mapping[str, str],
    careers: pd.DataFrame | None = None,
    proposals: pd.DataFrame | None = None,
    cases: pd.DataFrame | None = None,
    group: str | None,
    region: str | None,
    wave: str | None,
    design: Design | None,
    hierarchy: pd.DataFrame | None = None,
    observed: pd.DataFrame | None = None,
    requires: Mapping[str, str] | None = None,
    link: str = "log_member",
    log_steps: Mapping[str, str] | None = None,
    until: Until = None,
    draws: int = 4000,
    seed: int = 0,
) -> ChainFit:
    r"""Follow members along the chain, by what they say and by the log, and their proposals and cases to the end.

    ============== =============== ====================================================================== ===================
    term           statistic       estimate                                                               n
    ============== =============== ====================================================================== ===================
    step k         marginal        share that did it, whatever else                                       answered it
    step k         conditional     :math:`r_k`: of those who did all steps before it                      did these, answered
    step k         cumulative      :math:`c_k = r_1 \cdots r_k`: of all, did every step up to it          known of so far
    step k         lost            :math:`c_{k-1} - c_k`: of all, fell out here                           known of so far
    step k         lost_most       chance that more are lost here than at any other step                  known to the end
    step k         by_log          share of the linked that did it by the log                             linked
    step k         agreement       share of the linked of whom answer and log say the same                linked, answered
    step k         lowest, highest share of all that did it by the log, had nobody, or everybody, of      members
                                   those who are not linked (Manski 1989)
    proposals      made, ...       see `analysis.methods.stages.stage_rows`
    cases          raised, ...     the same
    ============== =============== ====================================================================== ===================

    All are shares of 0 to 1 but for counts (``made``, ``raised``), days (``days_to_...``) and the gap (-1 to 1). Shares of
    members are design-based: linearised errors (`analysis.estimates`), those of products and differences through the joint
    covariance of the :math:`r_k`; intervals at 95 % are Wilson's on the effective number, with t. Shares of files have Wilson's.

    **What a missing answer means.** Not asked or not answered: the member is left out of that step alone, and taken to be like the
    others who had done the same steps. Where a step is only asked of those who did another, say so:
    ``requires={"benefit": "take_part"}`` makes a missing ``benefit`` of those whose ``take_part`` is 0 a 0 (in waves that asked
    it); where ``take_part`` is 1 or missing it stays missing. Without it nothing is filled. No answer that is there is changed.

    Parameters
    ----------
    members : DataFrame
        A row a person and wave: the columns of steps, places, design, and `link` where careers are given.
    steps : mapping of str to str
        {step: column}, in the order of the chain; numbers 0 and 1 or bool, missing allowed.
    careers : DataFrame or None
        ``member``, the columns named by `wave` and `group`, and those of `log_steps` (counts); a row a wave, member and
        organisation. None or empty: ``not_asked``. A wave without careers is ``not_asked`` too, unless `observed` says that it
        was reported.
    proposals, cases : DataFrame or None
        Rows with the days of their stages and the columns named. None, empty, or without rows of a wave: ``not_asked``.
    group, region, wave : str or None
        Columns of the organisation, of the finest region code known, of the wave; None: not cut by it. With `group` the log
        says what a member did with the member's own organisation, without it with any.
    design : Design or None
        Of the answers; None: a simple random sample.
    hierarchy : DataFrame or None
        ``code, parent, level``: a place stands for itself and all below it. With ``comparable_from``, earlier waves of places
        whose boundaries moved are ``series_broken``.
    observed : DataFrame or None
        ``organisation, reported`` (bool) and the wave's column; with ``roles`` (bool) false, the organisation's log does not say
        what members did, so that `ROLES` are not known of it; nor are they in a wave of whose careers none has any. What is not
        known is ``not_reported``, and neither these members nor their careers count in ``*``; without `group` a wave is known
        only where all organisations reported. None: all reported.
    requires : mapping of str to str, optional
        {step: the step without which it is not asked}.
    link : str
        Column of members: the log's member id, missing where there is no consent.
    log_steps : mapping of str to str, optional
        {step: column of careers}; done where it is above 0. None: `LOG_STEPS`, as far as there are steps of these names.
    until : datetime or mapping of wave to datetime, optional
        Up to when the files of proposals and cases tell; None: the latest day in each, by wave.
    draws, seed : int
        For ``lost_most``: draws from the normal joint distribution of the shares lost.

    Returns
    -------
    ChainFit
        By wave: all, group, region of every level, group x region. A step that a wave did not ask is one row ``not_asked``, and
        so is what later steps say of the chain. A cell that nobody answered is ``not_estimable``.

    Raises
    ------
    ValueError
        For no steps, unknown columns, values other than 0 and 1, a `requires` or `log_steps` of an unknown step, and options that
        change nothing.

    Examples
    --------
    >>> answers = pd.DataFrame({"said": [1, 1, 1, 0], "came": [1, 1, 0, 1], "gained": [1.0, 0.0, None, 1.0]})
    >>> fit = chain(answers, steps={"propose": "said", "take_part": "came", "benefit": "gained"},
    ...             requires={"benefit": "take_part"}, group=None, region=None, wave=None, design=None)
    >>> fit.tidy().query("statistic == 'lost'")["estimate"].round(9).tolist()
    [0.25, 0.25, 0.25]
    """
    columns = {"wave": wave, "group": group, "region": region}
    sources = {"proposals": proposals, "cases": cases}
    _check(members, steps, columns, requires or {}, draws)
    parents_of(hierarchy, region)  # refuses places that lie in a ring, and a hierarchy without places
    _check_options(steps, sources, careers, observed, log_steps, until)
    frame, asked = _answered(members, steps, wave, requires or {})
    frame, cuts = every_cut(frame, **columns, hierarchy=hierarchy)
    answers = _Answers(frame, steps, cuts, design, asked)
    known = {s: c for s, c in (log_steps or LOG_STEPS).items() if s in steps}
    tables = [
        _of_answers(answers, draws, seed),
        _of_log(answers, given(careers), observed, columns, link, known),
    ]
    tables += [_of_file(name, rows, asked, columns, hierarchy, until) for name, rows in sources.items()]
    rows = mark_broken(tidy_frame(pd.concat(tables, ignore_index=True)), hierarchy)
    return ChainFit(rows, tuple(steps))


def _check(
    members: pd.DataFrame, steps: Mapping[str, str], columns: Columns, requires: Mapping[str, str], draws: int
) -> None:
    if not steps:
        raise ValueError("steps is empty; name at least one step and its column: steps={'take_part': column}")
    require("members", members, [*columns.values(), *steps.values()])
    for step, column in steps.items():
        values = numeric(members, column)
        if wrong := int((~np.isnan(values) & (values != 0) & (values != 1)).sum()):
            raise ValueError(
                f"{column}, the step {step}, must hold 1 (done) and 0 (not done); {wrong} rows hold other values"
            )
    if taken := [s for s in steps if s in STAGES]:
        raise ValueError(f"a step cannot be called {taken}: that is what is told of the file of that name")
    if unknown := sorted({*requires, *requires.values()} - set(steps)):
        raise ValueError(f"requires names the steps {unknown}; the steps are {list(steps)}")
    if own := [s for s, other in requires.items() if s == other]:
        raise ValueError(f"requires says that {own} are asked of those who did the same: name another step")
    if draws < 1:
        raise ValueError(f"draws is a whole number above 0; it is {draws}")


def _check_options(
    steps: Mapping[str, str],
    sources: Mapping[str, pd.DataFrame | None],
    careers: pd.DataFrame | None,
    observed: pd.DataFrame | None,
    log_steps: Mapping[str, str] | None,
    until: Until,
) -> None:
    if careers is None and (
        idle := [n for n, v in {"observed": observed, "log_steps": log_steps}.items() if v is not None]
    ):
        raise ValueError(f"without careers {' and '.join(idle)} change nothing; give the careers, or leave them out")
    if unknown := sorted(set(log_steps or {}) - set(steps)):
        raise ValueError(f"log_steps names the steps {unknown}; the steps are {list(steps)}")
    if careers is not None and not set(log_steps or LOG_STEPS) & set(steps):
        raise ValueError(
            f"careers change nothing: no step is called as one of {list(LOG_STEPS)}; say with log_steps= which column of"
            " careers counts which step"
        )
    if until is not None and all(frame is None for frame in sources.values()):
        raise ValueError("without proposals or cases until changes nothing; give one of them, or leave it out")


def _answered(
    members: pd.DataFrame, steps: Mapping[str, str], wave: str | None, requires: Mapping[str, str]
) -> tuple[pd.DataFrame, dict[str, tuple[bool, ...]]]:
    """Give each step as 0, 1 or missing under its working name, and of each wave which steps it asked."""
    waves = pd.Series(ALL, index=members.index) if wave is None else members[wave].map(label, na_action="ignore")
    did = pd.DataFrame({_own(s): numeric(members, c) for s, c in steps.items()}, index=members.index)
    there = did.notna().groupby(waves).any()
    for _ in requires:  # a 0 that was filled in may be what another step requires
        for step, other in requires.items():
            put = waves.map(there[_own(step)]).eq(True)
            did[_own(step)] = did[_own(step)].mask(did[_own(step)].isna() & (did[_own(other)] == 0) & put, 0.0)
    asked = {str(w): tuple(bool(v) for v in row) for w, row in zip(there.index, there.to_numpy(), strict=True)}
    return members.assign(**did), asked


@dataclass(frozen=True, slots=True)
class _Answers:
    """The answers laid out."""

    frame: pd.DataFrame
    steps: Mapping[str, str]
    cuts: list[dict[str, str]]
    design: Design | None
    asked: Mapping[str, tuple[bool, ...]]  #: by wave, whether each step was asked

    @property
    def unasked(self) -> list[tuple[str, str]]:
        """Waves and steps that were not asked."""
        return [(w, s) for w, told in self.asked.items() for s, was in zip(self.steps, told, strict=True) if not was]


def _own(step: str) -> str:
    return f"step {step}"


def _of_answers(answers: _Answers, draws: int, seed: int) -> pd.DataFrame:
    own = {s: _own(s) for s in answers.steps}
    design, asked = answers.design, answers.asked
    found = [
        passing(answers.frame, steps=own, by=by, design=design, asked=asked, draws=draws, seed=seed, conf_level=LEVEL)
        for by in answers.cuts
    ]
    rows = pd.concat(found, ignore_index=True)
    whole = pd.MultiIndex.from_frame(rows[["wave", "term"]]).isin(answers.unasked)
    return _once(rows[~(whole & rows["statistic"].isin(OF_CHAIN))])


def _once(rows: pd.DataFrame) -> pd.DataFrame:
    """What was not asked is one row of its wave, without a place."""
    absent = rows["status"] == "not_asked"
    first = absent & ~rows.duplicated(["wave", "term", "statistic"])
    return rows[~absent | first]


def _of_log(
    answers: _Answers,
    careers: pd.DataFrame | None,
    observed: pd.DataFrame | None,
    columns: Columns,
    link: str,
    log_steps: Mapping[str, str],
) -> pd.DataFrame:
    """What the log says of the linked, and bounds of what it would say of all."""
    known = {} if careers is None else log_steps
    none = tidy_frame(
        [{"term": s, "statistic": "by_log", "status": "not_asked"} for s in answers.steps if s not in known]
    )
    if careers is None or not known:
        return none
    places = {"wave": columns["wave"], "group": columns["group"]}
    require("members", answers.frame, [link])
    require("careers", careers, ["member", *places.values(), *known.values()])
    require("observed", observed, ["organisation", "reported", places["wave"]])
    people = keyed(answers.frame, places).assign(member=answers.frame[link].to_numpy())
    roles = [c for c in ROLES if c in careers]
    lives = keyed(careers, places, ["member", *dict.fromkeys([*known.values(), *roles])])
    working: dict[str, Any] = {}
    for step, column in known.items():
        mute = among(people, _silent(observed, places, people, column)) | people["wave"].isin(
            _without_roles(lives, column)
        )
        did = pd.MultiIndex.from_frame(lives.loc[lives[column] > 0, ["wave", "group", "member"]])
        lost = mute | ((people["group"] == ALL) & (columns["group"] is not None))
        said = answers.frame[_own(step)].reset_index(drop=True)
        working |= {
            f"{k} {step}": v for k, v in _compared(people["member"], among(people, did), said, mute, lost).items()
        }
    placed = answers.frame.assign(**working)
    found = pd.concat([_log_rows(placed, known, by, answers.design) for by in answers.cuts], ignore_index=True)
    unseen = set(people["wave"]) - set(lives["wave"]) if observed is None else set()
    asked = ~pd.MultiIndex.from_frame(found[["wave", "term"]]).isin(answers.unasked)
    absent = found["wave"].isin(unseen) | (~asked & (found["statistic"] == "agreement"))
    return _once(pd.concat([none, _without(found, absent, "not_asked")], ignore_index=True))


def _without(rows: pd.DataFrame, hit: pd.Series, status: str) -> pd.DataFrame:
    """Take the numbers of some rows away and say why."""
    return rows.assign(**{c: rows[c].mask(hit) for c in NUMBERS}, status=rows["status"].mask(hit, status))


def _silent(observed: pd.DataFrame | None, places: Columns, people: pd.DataFrame, column: str) -> pd.MultiIndex:
    """Waves and groups of which the log does not tell this column."""
    wave = places["wave"]
    if observed is None:
        return pd.MultiIndex.from_frame(people[["wave", "group"]].head(0))
    told = observed["reported"].astype(bool)
    if column in ROLES and "roles" in observed:
        told &= ~observed["roles"].isin([False])  # where nothing is said of roles, they count as recorded
    seen = observed.assign(reported=told)
    if places["group"] is None:  # a time with an organisation that did not report would not be seen: all must have
        whole = keyed(seen, {"wave": wave}, ["reported"]).groupby("wave")["reported"].all()
        waves = [w for w in people["wave"].unique() if not whole.get(w, False)]
        return pd.MultiIndex.from_product([waves, [ALL]], names=["wave", "group"])
    return silent_groups(seen, wave, people[["wave", "group"]])


def _without_roles(lives: pd.DataFrame, column: str) -> list[str]:
    """Waves whose log says of nobody that they did anything but come: it does not record what people did."""
    roles = [c for c in ROLES if c in lives]
    if column not in roles:
        return []
    some = (lives[roles] > 0).any(axis=1).groupby(lives["wave"]).any()
    return [str(wave) for wave in some.index[~some]]


def _compared(
    member: pd.Series, did: pd.Series, said: pd.Series, mute: pd.Series, lost: pd.Series
) -> dict[str, np.ndarray]:
    """What log and answer say of each member, 1, 0 or missing; ``lost`` are members whose log is not known."""
    linked = member.notna()
    there = linked & ~lost
    found = {
        "by_log": did.where(there),
        "agreement": (did == said).where(there & said.notna()),
        "lowest": (linked & did).where(~lost),
        "highest": (~linked | did).where(~lost),
        "silent": mute,
    }
    return {name: values.astype("float64").to_numpy() for name, values in found.items()}


def _log_rows(
    frame: pd.DataFrame, log_steps: Mapping[str, str], by: Mapping[str, str], design: Design | None
) -> pd.DataFrame:
    names = [(step, statistic) for step in log_steps for statistic in (*BY_LOG, "silent")]
    result = estimates(frame, variables=[f"{k} {s}" for s, k in names], by=by, design=design, conf_level=LEVEL)
    rows, cells = as_shares(result), len(result.rows) // len(names)
    rows["term"] = np.repeat(np.array([s for s, _ in names], dtype=object), cells)
    rows["statistic"] = np.repeat(np.array([k for _, k in names], dtype=object), cells)
    # a cell of which all organisations are silent
    whole = (rows["estimate"].to_numpy() == 1).reshape(len(log_steps), -1, cells)[:, -1:, :]
    silent = np.repeat(whole, len(BY_LOG) + 1, axis=1).ravel()
    return tidy_frame(_without(rows, pd.Series(silent), "not_reported")[rows["statistic"] != "silent"])


def _of_file(
    name: str,
    rows: pd.DataFrame | None,
    waves: Mapping[str, object],
    columns: Columns,
    hierarchy: pd.DataFrame | None,
    until: Until,
) -> pd.DataFrame:
    rows = given(rows)
    require(name, rows, [STAGES[name][0], *columns.values()])
    if rows is None:
        return tidy_frame([{"term": name, "statistic": STAGES[name][0], "status": "not_asked"}])
    found = stage_rows(rows, name, **columns, hierarchy=hierarchy, until=until, conf_level=LEVEL)
    absent = sorted(set(waves) - set(found["wave"]) - {ALL})
    more = [{"wave": w, "term": name, "statistic": STAGES[name][0], "status": "not_asked"} for w in absent]
    return pd.concat([found, tidy_frame(more)], ignore_index=True)
