"""The release log: what became of each release of a study, step by step, and the people behind its numbers.

It lies in the study's store, in ``releases/``, and only grows: a file a step (``0001.json``, ...), each with the checksum of the
one before, so that no step can be changed or taken out unseen; and a folder a release with the frozen pages and the sets of
people behind every number (``sets.npz``, keyed). The steps of a release are, in this order:

``prepared``   the pages are frozen with their checksums, and held against everything published before
``signed``     an office has signed for them
``published``  a second office has signed: its signature and the publishing are one step, so that no run can stop between them
``withdrawn``  an office has taken it back and said why; what was read has been read, so that its sets stay in the log
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, NoReturn

from survey import store
from survey.faults import Fault, Refused
from survey.schema import one_way
from survey.store.place import RELEASES

PAGES, SETS = "pages", "sets.npz"
PREPARED, SIGNED, PUBLISHED, WITHDRAWN = "prepared", "signed", "published", "withdrawn"
EVENTS = (PREPARED, SIGNED, PUBLISHED, WITHDRAWN)
OFFICES = 2  # how many sign
_LONGEST = 80  # signs of an office's name


@dataclass(frozen=True, slots=True)
class Event:
    """One step of one release.

    Attributes
    ----------
    number : int
        From 1, over all releases of the study.
    event : {'prepared', 'signed', 'published', 'withdrawn'}
    release, wave : str
        ``<wave>-<how many releases the wave had>``; the wave.
    when : str
        UTC, ISO 8601.
    office, reason : str
        Who signed or withdrew, and why; empty where neither was done.
    files : mapping of str to str
        Of a prepared one the SHA-256 of each page and table by its name, and of its sets.
    before : str
        SHA-256 of the step before; empty for the first.
    """

    number: int
    event: str
    release: str
    wave: str
    when: str
    office: str
    reason: str
    files: Mapping[str, str]
    before: str


@dataclass(frozen=True, slots=True)
class Release:
    """One release with the steps that it has taken."""

    name: str
    wave: str
    steps: tuple[Event, ...]

    @property
    def state(self) -> str:
        """The last step."""
        return self.steps[-1].event

    @property
    def offices(self) -> tuple[str, ...]:
        """Who has signed, in order."""
        return tuple(step.office for step in self.steps if step.event in (SIGNED, PUBLISHED))

    @property
    def files(self) -> Mapping[str, str]:
        """Checksums of what was frozen."""
        return self.steps[0].files

    @property
    def went_out(self) -> bool:
        """Whether readers have had it, withdrawn or not."""
        return any(step.event == PUBLISHED for step in self.steps)


@dataclass(frozen=True, slots=True)
class ReleaseLog:
    """All steps of a study's releases, in order.

    Attributes
    ----------
    study : str
    events : tuple of Event
    head : str
        SHA-256 of the last step; empty where there is none. Whoever keeps it elsewhere can tell whether steps were cut off.
    """

    study: str
    events: tuple[Event, ...]
    head: str

    @property
    def releases(self) -> tuple[Release, ...]:
        """The releases, oldest first."""
        names = dict.fromkeys(e.release for e in self.events)
        found = {n: tuple(e for e in self.events if e.release == n) for n in names}
        return tuple(Release(n, steps[0].wave, steps) for n, steps in found.items())

    def latest(self, wave: str) -> Release | None:
        """The newest release of a wave."""
        return next((r for r in reversed(self.releases) if r.wave == wave), None)

    def sets(self) -> dict[str, bytes]:
        """The sets of people behind everything that went out, by release.

        Raises
        ------
        survey.Refused
            Where one is not what was frozen.
        """
        out = (r for r in self.releases if r.went_out)
        return {r.name: _whole(folder_of(self.study, r.name) / SETS, r.files[SETS], self.study) for r in out}


def folder_of(study: str, release: str = "") -> Path:
    """Where the log of a study lies, or what was frozen of one release; nothing is made."""
    return store.path_of(study) / RELEASES / release


def read(study: str) -> ReleaseLog:
    """Read the log; empty where nothing was ever prepared.

    Raises
    ------
    survey.Refused
        Where a step is missing, was changed, or is none.
    """
    events: list[Event] = []
    before = ""
    folder = folder_of(study)
    for path in sorted(folder.glob("[0-9]*.json")) if folder.is_dir() else ():
        event = _event(path, study)
        if event.number != len(events) + 1 or event.before != before:
            _refuse_log(study, path.name)
        events.append(event)
        before = store.sum_of(path)
    return ReleaseLog(study, tuple(events), before)


def prepare(study: str, wave: str, *, pages: Path, sets: bytes, seen: ReleaseLog) -> Release:
    """Freeze the pages of a wave: copied, private, with their checksums.

    Parameters
    ----------
    study, wave : str
    pages : Path
        The folder of the report.
    sets : bytes
        The people behind its numbers, as `analysis.disclosure.Published` writes them.
    seen : ReleaseLog
        The log that it was held against.

    Raises
    ------
    survey.Refused
        Where another step was taken since the log was read.
    """
    with _writing(study, seen) as log:
        name = next_name(log, wave)
        place = folder_of(study, name)
        shutil.rmtree(place, ignore_errors=True)  # of a run that was stopped before its step was written
        place.mkdir(parents=True, mode=0o700)
        files = {SETS: store.written(place / SETS, lambda sink: sink.write(sets))}
        for path in sorted(p for p in pages.rglob("*") if p.is_file()):
            own = path.relative_to(pages)
            (place / PAGES / own).parent.mkdir(parents=True, exist_ok=True)
            data = path.read_bytes()
            files[own.as_posix()] = store.written(place / PAGES / own, _filled(data))
        for folder in sorted({place, *(p for p in place.rglob("*") if p.is_dir())}):
            store.settle_folder(folder)
        _add(log, PREPARED, name, wave, files=files)
    return _now(study, name)


def next_name(log: ReleaseLog, wave: str) -> str:
    """What the next release of a wave will be called."""
    return f"{wave}-{1 + sum(r.wave == wave for r in log.releases)}"


def sign(study: str, wave: str, office: str, *, publish: Callable[[Release, Path, ReleaseLog], None]) -> Release:
    """Record that an office signs for the newest release of a wave; with the second office it is published.

    Parameters
    ----------
    study, wave, office : str
    publish : callable
        Is given the release, the frozen pages and the log before the second signature is recorded, and puts the pages where
        readers find them; what it raises keeps the signature out.

    Raises
    ------
    survey.Refused
        Where nothing was prepared, it is published already, the office has signed, or a frozen file is not what it was.
    """
    with _writing(study) as log:
        release = _to_sign(log, wave, office)
        check_frozen(study, release)
        last = len(release.offices) + 1 == OFFICES
        if last:
            publish(release, folder_of(study, release.name) / PAGES, log)
        _add(log, PUBLISHED if last else SIGNED, release.name, wave, office=office.strip())
    return _now(study, release.name)


def withdraw(study: str, wave: str, office: str, reason: str) -> Release:
    """Record that the newest published release of a wave is taken back, by whom and why.

    Raises
    ------
    survey.Refused
        Where none is published, or office or reason is missing.
    """
    with _writing(study) as log:
        found = log.latest(wave)
        if found is None or found.state != PUBLISHED:
            _refuse(
                study,
                f"there is no published release of wave {wave} to withdraw",
                f"波次 {wave} 没有可撤回的已发布报告",
            )
        _check_office(study, office)
        if not reason.strip():
            _refuse(study, "say why it is withdrawn: --why", "请用 --why 说明撤回原因")
        _add(log, WITHDRAWN, found.name, wave, office=office.strip(), reason=reason.strip())
    return _now(study, found.name)


def faults(study: str) -> tuple[Fault, ...]:
    """Read the whole log again, and every frozen file: give what is not as it was written."""
    try:
        log = read(study)
    except Refused as refused:
        return refused.faults
    found: list[Fault] = []
    for release in log.releases:
        try:
            check_frozen(study, release)
        except Refused as refused:
            found += refused.faults
    return tuple(found)


def check_frozen(study: str, release: Release) -> None:
    """Refuse a release whose frozen files are not, byte for byte, those that were prepared."""
    place = folder_of(study, release.name)
    there = {p.relative_to(place / PAGES).as_posix() for p in (place / PAGES).rglob("*") if p.is_file()} | {SETS}
    changed = sorted(there ^ set(release.files))
    changed += sorted(
        name
        for name in there & set(release.files)
        if store.sum_of(place / (SETS if name == SETS else f"{PAGES}/{name}")) != release.files[name]
    )
    if changed:
        _refuse(
            study,
            f"release {release.name}: {', '.join(changed[:5])} is not what was frozen. Nobody can sign for it; find out who "
            "changed it, and prepare the release again",
            f"发布版 {release.name}：{'、'.join(changed[:5])} 与冻结时不一致，不能签署。请查明改动原因，并重新准备发布",
        )


def _to_sign(log: ReleaseLog, wave: str, office: str) -> Release:
    release = log.latest(wave)
    if release is None:
        _refuse(
            log.study,
            f"nothing of wave {wave} is prepared to be signed for; run workbench release {log.study} {wave} first",
            f"波次 {wave} 尚无可签署的发布版；请先运行 workbench release {log.study} {wave}",
        )
    if release.state in (PUBLISHED, WITHDRAWN):
        _refuse(
            log.study,
            f"release {release.name} is {release.state}: no more signatures are taken. A new one begins with workbench release "
            f"{log.study} {wave}",
            f"发布版 {release.name} 已{'发布' if release.state == PUBLISHED else '撤回'}，不再接受签署；"
            f"如需新的发布版，请运行 workbench release {log.study} {wave}",
        )
    _check_office(log.study, office)
    if one_way(office) in map(one_way, release.offices):
        _refuse(
            log.study,
            f"{office.strip()} has signed for release {release.name} already; the second signature is another office's",
            f"“{office.strip()}”已签署发布版 {release.name}；第二个签署须由另一部门作出",
        )
    return release


def _check_office(study: str, office: str) -> None:
    if not office.strip() or len(office.strip()) > _LONGEST or not office.isprintable():
        _refuse(
            study,
            f'name the office that signs, in at most {_LONGEST} signs: --sign "Research Office"',
            f'请写明签署部门的名称（不超过 {_LONGEST} 个字符）：--sign "研究室"',
        )


@contextlib.contextmanager
def _writing(study: str, seen: ReleaseLog | None = None) -> Iterator[ReleaseLog]:
    """Hold the store's lock and give the log as it is now; refuse where it has grown since it was seen."""
    with store.writing(store.home(study)):
        folder_of(study).mkdir(mode=0o700, exist_ok=True)
        log = read(study)
        if seen is not None and log.head != seen.head:
            _refuse(
                study,
                "somebody else has taken a step in the release log meanwhile; run this again",
                "其间有人在发布记录中作了新的登记；请重新运行",
            )
        yield log


def _add(
    log: ReleaseLog,
    event: str,
    release: str,
    wave: str,
    *,
    office: str = "",
    reason: str = "",
    files: Mapping[str, str] | None = None,
) -> None:
    """Write one step, whole or not at all."""
    when = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    one = Event(len(log.events) + 1, event, release, wave, when, office, reason, dict(files or {}), log.head)
    text = json.dumps(asdict(one), indent=1, ensure_ascii=False, sort_keys=True) + "\n"
    folder = folder_of(log.study)
    draft = folder / f".step-{os.getpid()}"
    draft.unlink(missing_ok=True)
    store.written(draft, _filled(text.encode()))
    os.link(draft, folder / f"{one.number:04d}.json")  # never over a step that is there
    draft.unlink()
    store.settle_folder(folder)


def _filled(data: bytes) -> Callable[[Any], object]:
    return lambda sink: sink.write(data)


def _now(study: str, name: str) -> Release:
    return next(r for r in read(study).releases if r.name == name)


def _event(path: Path, study: str) -> Event:
    try:
        given = json.loads(path.read_bytes())
        event = Event(**{f.name: given[f.name] for f in fields(Event)})
    except (ValueError, KeyError, TypeError):
        _refuse_log(study, path.name)
    if event.event not in EVENTS:
        _refuse_log(study, path.name)
    return event


def _whole(path: Path, checksum: str, study: str) -> bytes:
    """Read a frozen file; refuse it where it is not what it was."""
    data = path.read_bytes() if path.is_file() else b""
    if store.sum_of(data) != checksum:
        _refuse_log(study, f"{path.parent.name}/{path.name}")
    return data


def _refuse_log(study: str, name: str) -> NoReturn:
    _refuse(
        study,
        f"the release log does not hold together: {name} is missing, was changed or is damaged. Nothing can be released before it "
        "is restored from a backup, since nobody knows what was published",
        f"发布记录不完整：{name} 缺失、被改动或已损坏。在从备份恢复之前不能发布任何内容，因为无法确知已经公布过什么",
    )


def _refuse(study: str, en: str, zh: str) -> NoReturn:
    raise Refused([Fault(f"store/{study}/{RELEASES}", 0, en, zh)])
