"""One seed's study on disk, and the run of one case on it, guarded: against hanging, taking memory, leaving traces."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import shutil
import signal
import tempfile
import tracemalloc
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import pandas as pd

from survey import open_study, raw_files, store
from survey.checks import CHECKS, Accepted
from survey.faults import Fault, Refused
from survey.intake import take_in
from survey.study import Study, Wave
from tests.survey.builders import KEY
from tests.survey.fuzz import oracle
from tests.survey.fuzz.damage import Mutated
from tests.survey.fuzz.mutate import mutate
from tests.survey.fuzz.reading import NotReadableError, rows_of
from tests.survey.fuzz.seeds import Seed
from tests.survey.fuzz.studies import write

SECONDS = 5.0  # of the processor; a case takes a twentieth of a second
HANGS = 30.0  # of the clock: processes that read one file alone (SPSS, Stata, odd workbooks) import pandas first
MEMORY = 32 * 2**20  # bytes that Python may hold for a file of 5 kB; the seeds need 1 MiB
MEASURED, WHOLE = 50, 20  # every so many cases: memory, the whole intake
AS_IS, ENTERED, REFUSED = "accepted, as the whole file", "accepted, with another tally", "refused"
OUTCOMES = (AS_IS, ENTERED, REFUSED)


class HangError(BaseException):
    """A case took too long; no handler of errors may take it for one."""


@dataclass(slots=True)
class Ground:
    """A study on disk with its whole file.

    Attributes
    ----------
    seed : Seed
    folder : Path
        The study's folder.
    home : Path
        The store's place; nothing may be written there but by a panel.
    data : bytes
        The whole file.
    study : Study
        As opened with it.
    before : list of Accepted
        What becomes of the whole study.
    """

    seed: Seed
    folder: Path
    home: Path
    data: bytes
    study: Study
    before: list[Accepted]

    @property
    def path(self) -> Path:
        """The file under test."""
        return self.folder / self.seed.file

    def run(self, number: int) -> str:
        """Run one case; give one of `OUTCOMES`, or fail with what makes the case again."""
        file = mutate(self.seed, self.data, number)
        self.path.write_bytes(file.data)
        try:
            with _quiet() as said, _not_too_long():
                outcome = self._outcome(file, number)
            oracle.no_canary(said.getvalue(), "the log of the run")
            assert self._places() == self._whole_places, "files were written or left behind"
            assert self.path.read_bytes() == file.data, "the file that arrived was changed"
        except BaseException as error:
            error.add_note(
                f"fuzz case {number}: seed {self.seed.name!r}, mutation {file.name!r}. Again:\n"
                f'python -c "from tests.survey.fuzz.ground import again; again({number})"'
            )
            raise
        finally:
            self.path.write_bytes(self.data)
        return outcome

    def _outcome(self, file: Mutated, number: int) -> str:
        measured = number % MEASURED == 0
        if measured:
            tracemalloc.start()
        try:
            study, parts = self._parts()
        except Refused as refused:
            self._judge_refusal(file, number, refused)
            return REFUSED
        finally:
            if measured:
                peak = tracemalloc.get_traced_memory()[1]
                tracemalloc.stop()
                assert peak < MEMORY, f"{peak / 2**20:.0f} MiB were held"
        if number % WHOLE == 0:
            self._whole_intake(study, parts)
        self._judge(file, study, parts)
        same = all(_same(a, b) for a, b in zip(parts, self.before, strict=False)) and len(parts) == len(self.before)
        return AS_IS if same else ENTERED

    def _parts(self) -> tuple[Study, list[Accepted]]:
        """Check every file; faults of several files are one refusal, as they are to the intake."""
        study = open_study(self.folder) if self.seed.holds == "study" else self.study
        parts: list[Accepted] = []
        faults: list[Fault] = []
        for wave in study.wave_list:
            for entry in wave.settings.files:
                try:
                    parts.append(_check(study, wave, entry.holds, wave.settings.files.index(entry)))
                except Refused as refused:
                    faults += refused.faults
        if faults:
            raise Refused(faults)
        return study, parts

    def _judge(self, file: Mutated, study: Study, parts: list[Accepted]) -> None:
        for part in parts:
            oracle.books_balance(part)
        if self.seed.holds == "study":
            self._judge_study(study, parts)
        else:
            self._judge_file(file, parts[0])
        if file.data != self.data:
            assert store.digest([self.path]) != store.digest([self.data]), "the checksum is the same"

    def _judge_file(self, file: Mutated, part: Accepted) -> None:
        try:
            rows = rows_of(self.seed, file)
        except NotReadableError:
            raise AssertionError("this file is in no encoding, or its quotes are not closed: it was read") from None
        if rows is not None:
            oracle.no_silent_change(self.seed, file, rows, part)
        elif self.seed.form == "xlsx" and file.raw:
            oracle.unchanged(self.before[0], part)
        else:
            oracle.allowed(self.seed, part)

    def _judge_study(self, study: Study, parts: list[Accepted]) -> None:
        if _said(study) == _said(self.study):
            for before, after in zip(self.before, parts, strict=True):
                oracle.unchanged(before, after)
        names = {os.path.relpath(p, study.folder) for p in study.folder.rglob("*.yaml")}
        assert names <= set(raw_files.sums(study, study.wave_list)), "a file without its checksum"

    def _judge_refusal(self, file: Mutated, number: int, refused: Refused) -> None:
        oracle.plain_words(refused)
        assert not file.sure, f"a whole file was refused: {refused}"
        self._refuses_a_panel(number)

    def _whole_intake(self, study: Study, parts: list[Accepted]) -> None:
        whole = take_in(study, study.wave_list, KEY)
        read = whole.tally.loc[whole.tally["rule"] == "read", "rows"].sum()
        assert read == sum(part.read for part in parts), "the intake read other rows than the checks"
        assert (
            sum(map(len, whole.answers.values()))
            + sum(p.accepted for p in whole.parts if p.entry.holds == "log")
            + len(whole.registry)
            + len(whole.aside)
            == read
        )
        oracle.no_canary(whole.tally.to_string() + whole.aside.to_string(), "the intake")
        shutil.rmtree(self.home / "store")  # where what was accepted is kept

    def _refuses_a_panel(self, number: int) -> None:
        """What was refused leaves no panel."""
        if number % WHOLE:
            return
        with contextlib.suppress(Refused):
            open_study(self.folder).panel()
            raise AssertionError("the checks refused it, and a panel was made of it")

    def _places(self) -> list[str]:
        """All files of the study, the store and the place for temporary files."""
        roots = (self.folder, self.home, Path(tempfile.gettempdir()))
        return sorted(os.path.join(at, name) for root in roots for at, _, names in os.walk(root) for name in names)

    @property
    def _whole_places(self) -> list[str]:
        return sorted(str(self.folder / name) for name in self._own)

    @property
    def _own(self) -> list[str]:
        wave = [e.file for w in self.study.wave_list for e in w.settings.files]
        top = ["study.yaml", "instrument.csv", "groups.csv", "places.csv"]
        return [*top, *(f"{w.name}/{f}" for w in self.study.wave_list for f in ("wave.yaml", *wave))]


def prepare(seed: Seed, place: Path) -> Ground:
    """Write a seed's study and see what becomes of it whole."""
    folder = write(place / seed.name, seed)
    home = Path(os.environ["WORKBENCH_HOME"])
    home.mkdir(parents=True, exist_ok=True)
    study = open_study(folder)
    ground = Ground(seed, folder.resolve(), home, (folder / seed.file).read_bytes(), study, [])
    _, ground.before = ground._parts()
    return ground


def _check(study: Study, wave: Wave, holds: str, n: int) -> Accepted:
    entry = wave.settings.files[n]
    return CHECKS[holds](study, wave, entry, KEY)


def _same(a: Accepted, b: Accepted) -> bool:
    return a.tally.equals(b.tally) and a.frame.reset_index(drop=True).equals(b.frame.reset_index(drop=True))


def _said(study: Study) -> tuple[object, ...]:
    """All that the files of a study say."""
    tables = tuple(table.to_csv() for table in (study.groups, study.places))
    return study.settings, study.items, tuple(w.settings for w in study.wave_list), tables


@contextlib.contextmanager
def _quiet() -> Iterator[io.StringIO]:
    """Collect the log; a warning of numpy or pandas is an error."""
    said = io.StringIO()
    handler = logging.StreamHandler(said)
    logging.getLogger().addHandler(handler)
    try:
        with warnings.catch_warnings():
            for kind in (RuntimeWarning, FutureWarning, UserWarning, pd.errors.PerformanceWarning, ResourceWarning):
                warnings.simplefilter("error", kind)
            yield said
    finally:
        logging.getLogger().removeHandler(handler)


@contextlib.contextmanager
def _not_too_long() -> Iterator[None]:
    def stop(signum: int, frame: FrameType | None) -> None:
        raise HangError(f"more than {SECONDS:g} s of the processor, or {HANGS:g} s of the clock")

    timers = {signal.SIGPROF: (signal.ITIMER_PROF, SECONDS), signal.SIGALRM: (signal.ITIMER_REAL, HANGS)}
    before = {number: signal.signal(number, stop) for number in timers}
    try:
        for timer, seconds in timers.values():
            signal.setitimer(timer, seconds)
        yield
    finally:
        for timer, _ in timers.values():
            signal.setitimer(timer, 0)
        for number, handler in before.items():
            signal.signal(number, handler)


def again(number: int) -> None:
    """Run one case by its number, outside pytest; the damaged file is kept in the folder that is printed."""
    from tests.survey.fuzz.cases import seed_of

    place = Path(tempfile.mkdtemp(prefix="fuzz-"))
    os.environ["WORKBENCH_HOME"] = str(place / "home")
    tempfile.tempdir = str(place / "tmp")
    (place / "tmp").mkdir()
    ground = prepare(seed_of(number), place)
    kept = place / f"damaged-{ground.path.name}"
    kept.write_bytes(mutate(ground.seed, ground.data, number).data)
    print(f"case {number}: seed {ground.seed.name}, file {kept}")
    print(ground.run(number))
