"""Months between two waves as a panel of their own, from the log and the registry: no answers are needed, and none are in it.

The months asked for and the same months of earlier years stand where waves stand, so that every verb and every chapter that asks
for a log works on them as on waves.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NoReturn

import pandas as pd

from survey import activity, places, provenance, reduction, store
from survey.activity import Activity, LogPart
from survey.build import assemble
from survey.faults import Fault, Refused
from survey.identity import study_key
from survey.intake import Intake, take_in
from survey.memory import enough_memory, hand_back
from survey.months import Months, last_full, read_months
from survey.panel import Panel
from survey.places_carry import carry
from survey.places_changes import changes
from survey.schema import Fieldwork, StudyFile, Text, Windows
from survey.study import Study, Wave

PAST = 365  # days of the log before a period that must be there to call somebody a first-timer
YEARS = 3  # earlier years that stand beside the months asked for, at most
PATIENCE = 7  # days without anybody at the end of a period after which the log is taken to end there
_NOBODY = pd.Series(dtype="datetime64[us]")
_LOGGED = {"group", "region", "channel"}

_open: dict[tuple[Path, str], Panel] = {}


@dataclass(frozen=True, slots=True)
class _Season:
    """The same days of one year, as far as the log goes in the months asked for."""

    months: Months
    closes: pd.Timestamp

    @property
    def name(self) -> str:
        return self.months.name

    @property
    def days(self) -> int:
        return (self.closes - self.months.first).days + 1

    @property
    def title(self) -> Text:
        titles, end = self.months.titles, f"{self.closes:%Y-%m-%d}"
        if self.closes == self.months.closes:
            return Text(**titles)
        return Text(en=f"{titles['en']} (up to {end})", zh=f"{titles['zh']}（截至{end}）")


def build_period(study: Study, months: str | None = None) -> Panel:
    """Make the panel of some months and of the same months of earlier years.

    One of the `YEARS` before is compared where somebody came in these months of it and the log has rows before them. Members are
    counted by the newest registry that a wave which had begun by then brought. Who has no time with an organisation in the `PAST`
    days before is there for the first time (``joined`` lies in the months; it is missing throughout where the log does not go
    back so far). An organisation of which no row is of these months has not reported. Where nobody came in the last `PATIENCE`
    days, the log is taken to end with its last time, and the other years end on the same day.

    Parameters
    ----------
    study : Study
    months : str, optional
        ``2026-07..08`` (`survey.months.read_months`). None: the last two full months of the log.

    Returns
    -------
    Panel
        Its waves are named by their months; the window of taking part is the length of the months, that of coming back at most
        half of it.

    Raises
    ------
    survey.Refused
        Where the months cannot be read, no log came or nobody is in it in these months, and as `survey.build.build`.
    """
    waves = tuple(_without_answers(wave) for wave in study.wave_list)
    key = study_key(study.name, synthetic=study.settings.synthetic, expected=store.key_of(store.home(study.name)))
    made_from = provenance.of_panel(study, waves, key)
    asked = None if months is None else read_months(months)
    seal = store.digest([json.dumps([made_from, asked and asked.name], sort_keys=True)])
    if (study.folder, seal) not in _open:
        home = store.home(study.name)
        store.expect(home, key.fingerprint)
        with enough_memory(study.name), store.writing(home):
            intake = take_in(study, waves, key)
            hand_back()
            _open[study.folder, seal] = _panel(study, waves, intake, asked, made_from)
    return _open[study.folder, seal]


def _without_answers(wave: Wave) -> Wave:
    """Give a wave with those of its files alone that a period reads: a fault in its answers is none of the log."""
    files = tuple(entry for entry in wave.settings.files if entry.holds in ("log", "registry"))
    return replace(wave, settings=wave.settings.model_copy(update={"files": files}))


def _panel(
    study: Study, waves: Sequence[Wave], intake: Intake, asked: Months | None, made_from: dict[str, object]
) -> Panel:
    study = replace(study, places=places.with_seen(study.places, intake.places))
    tree, crosswalk = places.hierarchy(study.places), changes(study.folder, study.settings.places)
    with reduction.carried_log(study, waves, intake, crosswalk, tree) as logs:
        came = {log.name: _came(log.path) for log in logs}
        seasons = _seasons(study, pd.concat(came.values()) if came else _NOBODY, asked)
        stand_in = [_as_wave(season, _at(waves, season), _silent(waves, came, season)) for season in seasons]
        reduced = [_reduced(study, logs, intake, season, wave) for season, wave in zip(seasons, stand_in, strict=True)]
    since = min(times.min() for times in came.values())
    reduced = [_known(one, since, season) for one, season in zip(reduced, seasons, strict=True)]
    log = {name: pd.concat([getattr(one, name) for one in reduced], ignore_index=True) for name in reduction.TABLES}
    carried, _ = carry(intake, waves, crosswalk, tree)
    none = {name: table.iloc[:0] for name, table in carried.tables.items()}
    registries = {"registry": _registries(carried.registry, waves, seasons)}
    empty = Intake({}, (), {}, none | registries, intake.gaps.iloc[:0], ())
    study = replace(study, items=(), wave_list=tuple(stand_in), settings=_settings(study, seasons[-1]))
    frames, _ = assemble(study, stand_in, empty, log, crosswalk, tree)
    return Panel(study, seasons[-1].name, **frames, calibration=None, provenance=made_from, reduced={})


def _seasons(study: Study, times: pd.Series, asked: Months | None) -> list[_Season]:
    """Find the years whose months can be compared, oldest first; the last one is what was asked for."""
    if times.empty:
        _refuse(
            study,
            "this study has no activity log in which anybody took part; the report of months needs one (holds: log in wave.yaml)",
            "本研究没有任何人参加活动的记录；按月份的报告需要活动记录（wave.yaml 中写 holds: log）",
        )
    months = asked or last_full(times.max(), patience=PATIENCE)
    within = times[times.between(months.first, months.closes)]
    if within.empty:
        first, last = f"{times.min():%Y-%m}", f"{times.max():%Y-%m}"
        _refuse(
            study,
            f"nobody took part in anything in {months.name}; the log goes from {first} to {last}: name months within it, or put "
            "the newer log into a wave's folder and name it in wave.yaml",
            f"{months.name} 没有任何人参加活动；活动记录的范围是 {first} 至 {last}：请写其中的月份，或把新的活动记录放入"
            "某一波次的文件夹并写入 wave.yaml",
        )
    ended = within.max() if within.max() == times.max() else months.closes
    short = months.closes - ended >= pd.Timedelta(days=PATIENCE)
    after = (ended.normalize() + pd.Timedelta(days=1) if short else months.closes) - months.first
    seasons, year = [_Season(months, _closes(months, after, short=short))], 1
    while year <= YEARS and times.min() < (before := months.before(year)).first:
        season = _Season(before, _closes(before, after, short=short))
        seasons += [season] if times.between(before.first, season.closes).any() else []
        year += 1
    return seasons[::-1]


def _closes(months: Months, after: pd.Timedelta, *, short: bool) -> pd.Timestamp:
    return months.first + after - pd.Timedelta(microseconds=1) if short else months.closes


def _came(path: Path) -> pd.Series:
    rows = pd.read_parquet(path, columns=["start", "took_part"])
    return rows.loc[rows["took_part"].eq(True), "start"]


def _reduced(study: Study, logs: Sequence[LogPart], intake: Intake, season: _Season, wave: Wave) -> Activity:
    first = season.months.first
    reduced = activity.reduce_period(
        logs,
        season.name,
        again=intake.again,
        first=first,
        closes=season.closes,
        since=first - pd.Timedelta(days=PAST),
        not_reporting=wave.settings.not_reporting,
    )
    organisers = {*study.groups["code"], *intake.registry["group"].dropna(), *intake.seen["group"].dropna()}
    return activity.add_silent(reduced, season.name, organisers)


def _known(reduced: Activity, since: pd.Timestamp, season: _Season) -> Activity:
    """Forget when careers began where the log does not go back a whole `PAST`."""
    if since <= season.months.first - pd.Timedelta(days=PAST):
        return reduced
    never = pd.Series(pd.NaT, index=reduced.careers.index, dtype="datetime64[us]")
    return replace(reduced, careers=reduced.careers.assign(joined=never))


def _silent(waves: Sequence[Wave], came: Mapping[tuple[str, str], pd.Series], season: _Season) -> list[str]:
    """Name the organisations that every wave with rows of these days says to have sent no log."""
    within = {wave for (wave, _), times in came.items() if times.between(season.months.first, season.closes).any()}
    told = [set(wave.settings.not_reporting) for wave in waves if wave.name in within]
    return sorted(set.intersection(*told)) if told else []


def _at(waves: Sequence[Wave], season: _Season) -> Wave:
    """Give the wave that a period belongs to: the last one that had begun by its end, else the first."""
    begun = [wave for wave in waves if wave.settings.fieldwork.start <= season.closes.date()]
    return (begun or list(waves[:1]))[-1]


def _as_wave(season: _Season, wave: Wave, silent: Sequence[str]) -> Wave:
    days = Fieldwork(start=season.months.first.date(), end=season.closes.date())
    said = {"wave": season.name, "title": season.title, "fieldwork": days, "not_reporting": tuple(silent)}
    return Wave(
        season.name,
        wave.folder,
        wave.settings.model_copy(update={**said, "files": (), "invited": None, "decisions": ()}),
    )


def _registries(registry: pd.DataFrame, waves: Sequence[Wave], seasons: Sequence[_Season]) -> pd.DataFrame:
    """Give every period the newest registry that a wave which had begun by then has, else the oldest there is."""
    there = [wave for wave in waves if (registry["wave"] == wave.name).any()]
    if not there:
        return registry
    chosen = [(season.name, _at(there, season).name) for season in seasons]
    parts = [registry[registry["wave"] == wave].assign(wave=season) for season, wave in chosen]
    return pd.concat(parts, ignore_index=True).astype({"wave": "str"})


def _settings(study: Study, season: _Season) -> StudyFile:
    """Give the study's settings without what concerns answers, and with windows that fit into the months."""
    back = study.settings.windows.returned
    half = max(season.days // 2, 1)
    windows = Windows(took_part=season.days, returned=half if back is None else min(back, half))
    cuts = tuple(cut for cut in study.settings.cuts if set(cut) <= _LOGGED)
    asked_of_nobody: dict[str, object] = {"weights": None, "scales": {}, "services": {}, "steps": {}}
    return study.settings.model_copy(update={"windows": windows, "cuts": cuts, **asked_of_nobody})


def _refuse(study: Study, en: str, zh: str) -> NoReturn:
    raise Refused([Fault(study.name, 0, en, zh)])
