"""How many answers lead to the log, and whether the link can be trusted.

An answer meets the log only where the member consented. The share of consenting members whom the log knows is the linkage rate.
It is low where members do not come to anything; where it falls far from one wave to the next, the ids are written in another form
or the key is another, and the link of that wave is stopped.

Intervals: Wilson (1927), Journal of the American Statistical Association 22, 209-212; of a difference, Newcombe (1998), Statistics
in Medicine 17, 873-890, method 10. Bounds of the rate of all who answered: Manski (1989), Journal of Human Resources 24, 343-360.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import pandas as pd

from survey.study import Study, Wave

LEVEL = 0.95
MANY = 30  # consenting members of whom the log knows none, before that is said of a wave that has none before it
ALL = "*"
KEYS = ["wave", "group"]
COUNTS = ["answers", "with_id", "consented", "found", "in_memberships", "log_members", "log_only", "memberships_only"]
RATES = ["rate", "conf_low", "conf_high", "lowest", "highest"]
LINKAGE = [*KEYS, *COUNTS, *RATES, "status"]
LINKED, STOPPED, ACCEPTED, NO_LOG = "linked", "stopped", "accepted", "no_log"
_TALLY = ["wave", "file", "holds", "rule", "rows", "cells"]


@dataclass(frozen=True, slots=True)
class Links:
    """Answers whose link to the log has been judged.

    Attributes
    ----------
    answers : dict of DataFrame
        By wave, as given, without ``identified``; ``log_member`` is missing throughout in a wave whose link is stopped.
    table : DataFrame
        See `linkage_table`; ``status`` is ``linked``, ``stopped``, ``accepted`` (an office did) or ``no_log``.
    tally : DataFrame
        ``wave, file, holds, rule, rows, cells``: ``link_stopped`` and ``nobody_linked``, with the answers that consented.
    """

    answers: dict[str, pd.DataFrame]
    table: pd.DataFrame
    tally: pd.DataFrame


def settle(
    study: Study,
    waves: Sequence[Wave],
    answers: Mapping[str, pd.DataFrame],
    seen: pd.DataFrame,
    memberships: pd.DataFrame | None = None,
) -> Links:
    """Count the links of every wave, and stop those that fell.

    Parameters
    ----------
    study : Study
        Whose rule ``linkage_drop`` says how far the rate may fall.
    waves : sequence of Wave
        In their order; a decision ``linkage`` in one accepts its fall.
    answers : mapping of DataFrame
        By wave: ``log_member`` (the log's pseudonym, only with consent), ``group``, and ``identified`` (bool: there is an id).
    seen : DataFrame
        ``wave, member, group``: whom each wave's log knows.
    memberships : DataFrame, optional
        ``wave, member, group`` of the list of members, with the log's pseudonyms.

    Notes
    -----
    A wave is compared with the last one before it whose link was not stopped. Its link stops where the lower limit of the fall
    (Newcombe's interval at `LEVEL`) is above ``linkage_drop``, or where nobody is found and the upper limit of the rate is below
    the lower limit before.
    """
    table = pd.concat(
        [linkage_table(wave.name, answers[wave.name], seen, memberships) for wave in waves if wave.name in answers]
        or [pd.DataFrame({name: [] for name in LINKAGE})],
        ignore_index=True,
    )
    status = _judged(study.settings.rules.linkage_drop, waves, table[table["group"] == ALL])
    table["status"] = table["wave"].map(status).astype("str")
    kept = {name: _without_links(frame, stopped=status.get(name) == STOPPED) for name, frame in answers.items()}
    return Links(kept, _typed(table), _tallied(table, status))


def linkage_table(
    wave: str, answers: pd.DataFrame, seen: pd.DataFrame, memberships: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Count the links of one wave, of all (group ``*``) and by group.

    Parameters
    ----------
    wave : str
    answers, seen, memberships : DataFrame
        As for `settle`, ``answers`` of this wave; of the others the rows of this wave count.

    Returns
    -------
    DataFrame
        ``wave, group``; counts of answers ``answers``, ``with_id``, ``consented`` (and with an id), ``found`` (of these, in the
        log), ``in_memberships`` (of these, in the list of members; missing where there is none); counts of members
        ``log_members``, ``log_only`` (not in the list), ``memberships_only`` (not in the log); ``rate`` = found / consented with
        Wilson's interval ``conf_low, conf_high``; ``lowest, highest``: the share of all who answered that the log knows, were
        none or all of the others in it. Missing where the wave has no log, or nobody consented.
    """
    log = _of_wave(seen, wave)
    listed = None if memberships is None else _of_wave(memberships, wave)
    groups = sorted({*answers["group"].dropna(), *log["group"].dropna()})
    known = {ALL: (answers, log, listed)}
    for group in groups:
        known[group] = (
            answers[answers["group"] == group],
            log[log["group"] == group],
            None if listed is None else listed[listed["group"] == group],
        )
    everybody = set(log["member"]), None if listed is None else set(listed["member"])
    lines = [(wave, group, *_counted(*parts, *everybody, there=len(log) > 0)) for group, parts in known.items()]
    return pd.DataFrame(lines, columns=LINKAGE[:-1])


def wilson(found: float, of: float, level: float = LEVEL) -> tuple[float, float]:
    """Give Wilson's interval of a share.

    Examples
    --------
    >>> [round(limit, 4) for limit in wilson(81, 263)]
    [0.2553, 0.3662]
    """
    if of == 0:
        return math.nan, math.nan
    z, share = NormalDist().inv_cdf(0.5 + level / 2), found / of
    centre, half = share + z * z / (2 * of), z * math.sqrt(share * (1 - share) / of + (z / (2 * of)) ** 2)
    whole = 1 + z * z / of
    return max((centre - half) / whole, 0.0), min((centre + half) / whole, 1.0)


def least_fall(before: tuple[float, float], now: tuple[float, float], level: float = LEVEL) -> float:
    """Give the lower limit of how far a share fell, of two pairs (found, of).

    Newcombe (1998), method 10: d - sqrt((p1 - l1)^2 + (u2 - p2)^2), l1 and u2 Wilson's limits.

    Examples
    --------
    >>> round(least_fall((56, 70), (48, 80)), 4)
    0.0524
    """
    first, second = before[0] / before[1], now[0] / now[1]
    low, high = wilson(*before, level)[0], wilson(*now, level)[1]
    return first - second - math.hypot(first - low, high - second)


def _without_links(answers: pd.DataFrame, *, stopped: bool) -> pd.DataFrame:
    answers = answers.drop(columns="identified")
    return answers.assign(log_member=pd.Series(pd.NA, index=answers.index, dtype="str")) if stopped else answers


def _of_wave(frame: pd.DataFrame, wave: str) -> pd.DataFrame:
    return frame[frame["wave"] == wave]


def _counted(
    answers: pd.DataFrame,
    log: pd.DataFrame,
    listed: pd.DataFrame | None,
    all_seen: set[str],
    all_listed: set[str] | None,
    *,
    there: bool,
) -> tuple[float, ...]:
    """The counts and rates of one group; whom the log or the list knows in any group is found."""
    asked = answers["log_member"].dropna()
    found, consented = int(asked.isin(all_seen).sum()), len(asked)
    logged = log["member"].nunique() if there else math.nan
    on_list = (math.nan,) * 3
    if all_listed is not None and listed is not None:
        only = (
            (len(set(log["member"]) - all_listed), len(set(listed["member"]) - all_seen)) if there else (math.nan,) * 2
        )
        on_list = (int(asked.isin(all_listed).sum()), *only)
    counts = (len(answers), int(answers["identified"].sum()), consented, found if there else math.nan, on_list[0])
    return (*counts, logged, *on_list[1:], *_rates(len(answers), consented, found, there=there))


def _rates(answers: int, consented: int, found: int, *, there: bool) -> tuple[float, ...]:
    if not there or not consented:
        return (math.nan,) * len(RATES)
    return (
        found / consented,
        *wilson(found, consented),
        found / answers,
        (found + answers - consented) / answers,
    )


def _judged(most: float, waves: Sequence[Wave], whole: pd.DataFrame) -> dict[str, str]:
    """The status of each wave."""
    rows = {
        str(w): rest for w, *rest in whole[["wave", "rate", "found", "consented"]].itertuples(index=False, name=None)
    }
    found: dict[str, str] = {}
    before: tuple[float, float] | None = None
    for wave in (w for w in waves if w.name in rows):
        rate, *now = rows[wave.name]
        if math.isnan(rate):
            found[wave.name] = NO_LOG if math.isnan(now[0]) else LINKED
            continue
        fell = before is not None and has_fallen(before, (now[0], now[1]), most)
        accepted = any(decision.rule == "linkage" for decision in wave.settings.decisions)
        found[wave.name] = (ACCEPTED if accepted else STOPPED) if fell else LINKED
        before = before if found[wave.name] == STOPPED else (now[0], now[1])
    return found


def has_fallen(before: tuple[float, float], now: tuple[float, float], most: float) -> bool:
    """Tell whether a linkage rate fell by more than `most`, beyond chance, or to nobody; of two pairs (found, consented).

    Examples
    --------
    >>> has_fallen((920, 1000), (400, 1000), 0.25), has_fallen((920, 1000), (700, 1000), 0.25), has_fallen((9, 10), (4, 10), 0.25)
    (True, False, False)
    """
    nobody = now[0] == 0 and wilson(*now)[1] < wilson(*before)[0]
    return nobody or least_fall(before, now) > most


def _tallied(table: pd.DataFrame, status: Mapping[str, str]) -> pd.DataFrame:
    return pd.DataFrame(list(_lines(table, status)), columns=_TALLY)


def _lines(table: pd.DataFrame, status: Mapping[str, str]) -> Iterator[tuple[str, str, str, str, int, int]]:
    whole = table.loc[table["group"] == ALL, ["wave", "consented", "found"]]
    first = True
    for wave, consented, found in whole.itertuples(index=False, name=None):
        if status[wave] == STOPPED:
            yield (wave, ALL, "answers", "link_stopped", int(consented), 0)
        elif first and found == 0 and consented >= MANY:
            yield (wave, ALL, "answers", "nobody_linked", int(consented), 0)
        first = first and (math.isnan(found) or not consented)


def _typed(table: pd.DataFrame) -> pd.DataFrame:
    text, numbers = dict.fromkeys([*KEYS, "status"], "str"), dict.fromkeys([*COUNTS, *RATES], "float64")
    return table[LINKAGE].astype(text | numbers)
