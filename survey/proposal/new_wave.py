"""A new wave's folder: what arrived, copied untouched, and a wave.yaml that is a proposal until a person confirms it.

Everything is read and proposed before anything is put in place: the folder is built beside its place and renamed, so that it is
there whole or not at all. The wave.yaml says ``status: proposed``, which keeps the wave from running (`survey.study`).
"""

from __future__ import annotations

import os
import shutil
import tempfile
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import NoReturn

import python_calamine

from survey.checks.cells import clean
from survey.checks.times import times
from survey.faults import Fault, Refused
from survey.proposal.columns import refuse_data_as_header
from survey.proposal.mapping import Proposal, Row, Seen, propose_seen, see
from survey.proposal.text import wave_yaml
from survey.readers import RawTable, read_table
from survey.schema import NAME, RESERVED, FileEntry, Layout
from survey.study import WAVE_FILE, Study, Wave

CHECKLIST = "checklist-"
LEFT_OUT = ("thumbs.db", "desktop.ini")
LAST_HEADER_ROW = 5  # how many rows of titles are looked below
SAME_FILE = 0.3  # share of headers that a file has in common with last time's
_READING = ("encoding", "delimiter", "sheet", "header_row")  # parts of a layout without which a file cannot be read


@dataclass(frozen=True, slots=True)
class FileDraft:
    """One file that came, and what is proposed for it.

    Attributes
    ----------
    file, platform : str
    rows : int
    layout : Layout
        What is needed to read it.
    proposal : Proposal
    separator : str
        What has to be declared; empty: nothing.
    like : FileEntry or None
        The file of the last wave that it resembles.
    days : tuple of date or None
        First and last day of its times.
    """

    file: str
    platform: str
    rows: int
    layout: Layout
    proposal: Proposal
    separator: str
    like: FileEntry | None
    days: tuple[date, date] | None


@dataclass(frozen=True, slots=True)
class LastFile:
    """One file of the last wave: its rows (None: it cannot be read now) and the new file that resembles it (empty: none)."""

    file: str
    holds: str
    platform: str
    rows: int | None
    now: str


@dataclass(frozen=True, slots=True)
class Draft:
    """A proposed wave.

    Attributes
    ----------
    study : Study
    wave : str
    folder : Path
        Where it lies, once written.
    version : str
        Version of the instrument.
    files : tuple of FileDraft
    last : Wave or None
        The latest wave that runs.
    last_files : tuple of LastFile
    """

    study: Study
    wave: str
    folder: Path
    version: str
    files: tuple[FileDraft, ...]
    last: Wave | None
    last_files: tuple[LastFile, ...]

    @property
    def days(self) -> tuple[date, date] | None:
        """First and last day of the answers, of the log where there are none; None where no file has times."""
        for holds in ("answers", "log"):
            found = [f.days for f in self.files if f.proposal.holds == holds and f.days]
            if found:
                return min(first for first, _ in found), max(last for _, last in found)
        return None

    @property
    def asked_last(self) -> tuple[str, ...]:
        """Items that the last wave mapped."""
        entries = self.last.settings.files if self.last else ()
        return _items(self.study, (t for e in entries if e.holds == "answers" for t in e.columns.values()))

    @property
    def found(self) -> tuple[str, ...]:
        """Items that a line of the proposal maps."""
        drafts = (f.proposal for f in self.files if f.proposal.holds == "answers")
        return _items(self.study, (t for p in drafts for t in p.columns.values()))

    @property
    def not_found(self) -> tuple[str, ...]:
        """Items of the instrument's version for which no column was found."""
        there = set(self.found)
        return tuple(
            dict.fromkeys(i.name for i in self.study.items if i.asked_in(self.version) and i.name not in there)
        )

    def rows(self, wanted: Callable[[Row], bool]) -> tuple[tuple[str, Row], ...]:
        """Give the columns of all files, with their file, of which something is true."""
        return tuple((f.file, row) for f in self.files for row in f.proposal.rows if wanted(row))


def _items(study: Study, targets: Iterable[str]) -> tuple[str, ...]:
    there = {target.partition("=")[0] for target in targets}
    return tuple(dict.fromkeys(item.name for item in study.items if item.name in there))


def new_wave(
    study: Study,
    wave: str,
    files: Sequence[str | os.PathLike[str]] = (),
    checklists: Callable[[Draft], Mapping[str, str]] = lambda _: {},
) -> Draft:
    """Make the folder of a new wave, with a proposed wave.yaml.

    Parameters
    ----------
    study : Study
    wave : str
        Its name; later than all waves of the study, which are ordered by name.
    files : sequence of path
        What arrived; copied untouched. Files that lie in the wave's folder already are taken as they are.
    checklists : callable
        Gives further files by name, from the draft.

    Returns
    -------
    Draft

    Raises
    ------
    survey.Refused
        For a name that cannot be, a wave that is there, a file that cannot be read; nothing is written then.
    """
    folder = study.folder / wave
    _refuse_name(study, wave)
    sources = [*_arrived(folder), *_given(folder, files)]
    if not sources:
        _refuse(
            f"{wave}/",
            "there are no files for this wave; name them behind the wave, or put them into its folder",
            "没有收到任何文件；请在波次名称之后写出文件，或先把文件放进该波次的文件夹",
        )
    with _building(study.folder) as place:
        copied = {path.name: _copy(path, place / path.name) for path in sources if path.parent != folder}
        paths = {path.name: copied.get(path.name, path) for path in sources}
        draft = _draft(study, wave, paths)
        texts = {**checklists(draft), WAVE_FILE: wave_yaml(draft)}
        for name, text in texts.items():
            (place / name).write_text(text, "utf-8")
        _put(place, folder)
    return draft


def _refuse_name(study: Study, wave: str) -> None:
    there = sorted({*study.waves(), *study.proposed})
    if not NAME.fullmatch(wave) or wave in RESERVED:
        _refuse(
            "wave",
            "this is no name for a wave: use 1-40 of a-z 0-9 _ -, beginning with a letter or a digit, such as 2025",
            "波次名称不可用：请用 1-40 个 a-z 0-9 _ -，以字母或数字开头，例如 2025",
        )
    if (study.folder / wave / WAVE_FILE).exists():
        _refuse(
            f"{wave}/{WAVE_FILE}",
            "this wave has its wave.yaml already; edit that, or delete it to have a new proposal made",
            "该波次已有 wave.yaml；请直接修改，或删除后重新生成建议",
        )
    if there and wave < there[-1]:
        _refuse(
            wave,
            f"this name sorts before the latest wave, {there[-1]}; waves are ordered by name: choose a later one",
            f"此名称排在最新波次 {there[-1]} 之前；波次按名称排序，请取排在其后的名称",
        )


def _arrived(folder: Path) -> list[Path]:
    """Files that lie in the wave's folder already."""
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        _refuse(f"{folder.name}/", "this is not a folder of its own", "这不是一个独立的文件夹")
    found = sorted(folder.iterdir()) if folder.is_dir() else []
    found = [p for p in found if not p.name.startswith((".", "~$", CHECKLIST)) and p.name.lower() not in LEFT_OUT]
    for path in found:
        _refuse_irregular(path)
    return found


def _given(folder: Path, files: Sequence[str | os.PathLike[str]]) -> list[Path]:
    paths = [Path(file) for file in files]
    seen = {_one_way(path.name) for path in (folder.iterdir() if folder.is_dir() else ())}
    for path in paths:
        _refuse_irregular(path)
        if _one_way(path.name) in seen:
            _refuse(
                _shown(path.name),
                "two files have this name, or one lies in the wave's folder already; rename one",
                "有两个同名文件，或该波次文件夹中已有此文件；请给其中一个改名",
            )
        if path.name in (WAVE_FILE,) or path.name.startswith((".", "-", CHECKLIST)) or not path.name.isprintable():
            _refuse(_shown(path.name), "a file cannot be called so here; rename it", "此处不能用这个文件名；请改名")
        seen.add(_one_way(path.name))
    return paths


def _one_way(name: str) -> str:
    """A name as file systems that do not tell capitals apart see it."""
    return unicodedata.normalize("NFC", name).casefold()


def _shown(name: str) -> str:
    return "".join(sign if sign.isprintable() else "?" for sign in name)


def _refuse_irregular(path: Path) -> None:
    name = _shown(path.name) or "?"
    if path.is_symlink():
        _refuse(name, "this is a link; give the file itself", "这是链接；请给出文件本身")
    if path.is_dir():
        _refuse(name, "this is a folder; give the files in it", "这是文件夹；请给出其中的文件")
    if not path.exists():
        _refuse(name, "this file is not there; check its name and folder", "文件不存在；请检查文件名和所在文件夹")
    if not path.is_file():
        _refuse(name, "this is not a regular file", "这不是普通文件")


@contextmanager
def _building(parent: Path) -> Iterator[Path]:
    """A folder beside the place of the new one; gone afterwards, whatever happens."""
    place = Path(tempfile.mkdtemp(prefix=".new-wave-", dir=parent))
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _copy(source: Path, target: Path) -> Path:
    try:
        before = source.stat().st_size
        shutil.copyfile(source, target, follow_symlinks=False)
        whole = before == source.stat().st_size == target.stat().st_size
    except OSError:
        _refuse(
            source.name, "this file cannot be copied; check permissions and disk", "无法复制该文件；请检查权限和磁盘"
        )
    if not whole:
        _refuse(source.name, "the file is still being written; wait and try again", "文件仍在写入；请稍后再试")
    return target


def _put(place: Path, folder: Path) -> None:
    """Put the built folder in its place; into a folder that is there, file by file, wave.yaml last."""
    place.chmod(0o755)
    if not folder.exists():
        place.rename(folder)
        return
    done: list[Path] = []
    try:
        for path in sorted(place.iterdir(), key=lambda p: p.name == WAVE_FILE):
            if path.name.startswith(CHECKLIST) and (folder / path.name).exists():
                continue
            os.link(path, folder / path.name)
            done.append(folder / path.name)
    except OSError:
        for path in done:
            path.unlink(missing_ok=True)
        _refuse(
            f"{folder.name}/", "this folder cannot be written to; check permissions", "无法写入该文件夹；请检查权限"
        )


def _draft(study: Study, wave: str, paths: Mapping[str, Path]) -> Draft:
    last = study.wave_list[-1] if study.wave_list else None
    entries = last.settings.files if last else ()
    read = {name: _read(path, entries) for name, path in sorted(paths.items())}
    seen = {name: see(raw, study, study.wave_list) for name, (raw, _) in read.items()}
    version, proposals = _version(study, seen)
    drafts = tuple(_file(study, name, *read[name], proposal) for name, proposal in proposals.items())
    return Draft(study, wave, study.folder / wave, version, drafts, last, tuple(_last_files(last, drafts)))


def _read(path: Path, entries: Sequence[FileEntry]) -> tuple[RawTable, Layout]:
    """Read a file as it is; else as a file of the last wave was laid out, below rows of titles, or by its largest sheet."""
    first: Refused | None = None
    for layout in _layouts(path, entries):
        try:
            raw = read_table(path, layout=layout)
        except Refused as refused:
            first = first or refused
            continue
        refuse_data_as_header(raw, path)
        return raw, layout
    raise first or Refused([Fault(path.name, 0, "this file cannot be read", "无法读取该文件")])


def _layouts(path: Path, entries: Sequence[FileEntry]) -> Iterator[Layout]:
    yield Layout()
    known = [entry.layout for entry in entries if Path(entry.file).suffix == path.suffix]
    parts = [{key: getattr(layout, key) for key in _READING} for layout in known]
    yield from (Layout(**part) for part in parts if Layout(**part) != Layout())
    sheets: list[str | None] = [None, *_sheets(path)]
    yield from (
        Layout(sheet=sheet, header_row=n) for sheet in sheets for n in range(1, LAST_HEADER_ROW + 1) if sheet or n > 1
    )


def _sheets(path: Path) -> list[str]:
    """Sheets of a modern workbook, where that there are several is all that was wrong with it; the largest first."""
    try:
        read_table(path)
    except Refused as refused:
        if not any("layout: sheet" in fault.en for fault in refused.faults) or path.read_bytes()[:2] != b"PK":
            return []
    with suppress(python_calamine.CalamineError):
        book = python_calamine.CalamineWorkbook.from_path(str(path))
        sizes = {name: book.get_sheet_by_name(name) for name in book.sheet_names}
        return sorted(sizes, key=lambda name: -sizes[name].total_height * sizes[name].total_width)
    return []


def _version(study: Study, seen: Mapping[str, Seen]) -> tuple[str, dict[str, Proposal]]:
    """The version whose items are best found, the last wave's or a newer one of the instrument; and the files' proposals by it."""
    earlier = study.wave_list
    last = earlier[-1].settings.instrument if earlier else None
    known = {v for item in study.items for v in item.versions} | ({last} if last else set())
    ordered = sorted(known or {"1"}, key=lambda v: (len(v), v) if v.isdigit() else (99, v))
    first, *newer = ordered[ordered.index(last) :] if last else ordered
    found = {first: {name: propose_seen(file, study, first, earlier) for name, file in seen.items()}}
    for version in newer:
        again = [name for name, p in found[first].items() if p.holds == "answers"]
        found[version] = found[first] | {
            name: propose_seen(seen[name], study, version, earlier, ("answers",)) for name in again
        }
    best = max(found, key=lambda version: _worth(study, version, found[version].values()))
    return best, found[best]


def _worth(study: Study, version: str, proposals: Iterable[Proposal]) -> float:
    """Sum of what answers are mapped with, less a half for each item of the version that was not found."""
    rows = [row for p in proposals if p.holds == "answers" for row in p.rows if row.proposed]
    asked = {item.name for item in study.items if item.asked_in(version)}
    return sum(row.confidence for row in rows) - 0.5 * len(asked - {row.target.partition("=")[0] for row in rows})


def _file(study: Study, name: str, raw: RawTable, layout: Layout, proposal: Proposal) -> FileDraft:
    entries = study.wave_list[-1].settings.files if study.wave_list else ()
    like = _like(raw.columns, proposal.holds, entries)
    if proposal.times:
        layout = layout.model_copy(update={"times": proposal.times})
    if like:
        layout = layout.model_copy(update={key: getattr(like.layout, key) for key in ("decimal", "thousands")})
    separator = proposal.separator if proposal.separator not in ("", raw.separator or ";") else ""
    days = _days(raw, proposal, study.settings.time_zone)
    return FileDraft(name, raw.platform, len(raw.index), layout, proposal, separator, like, days)


def _like(headers: Sequence[str], holds: str, entries: Sequence[FileEntry]) -> FileEntry | None:
    """The file of the last wave with most headers in common; else the only one that holds the same."""
    same = [entry for entry in entries if entry.holds == holds]
    shares = {n: len({*entry.columns} & {*headers}) / len({*entry.columns}) for n, entry in enumerate(same)}
    best = max(shares, key=lambda n: shares[n], default=None)
    if best is not None and (shares[best] >= SAME_FILE or len(same) == 1):
        return same[best]
    return None


def _days(raw: RawTable, proposal: Proposal, zone: str) -> tuple[date, date] | None:
    roles = {target: header for header, target in proposal.columns.items()}
    header = next((roles[role] for role in ("submitted", "start") if role in roles), None)
    if header is None or not proposal.times:
        return None
    read = times(clean(raw.column(header))[0], proposal.times, zone)[0]
    read = read[read.dt.year.between(2000, 2100)]
    return (read.min().date(), read.max().date()) if len(read) else None


def _last_files(last: Wave | None, drafts: Sequence[FileDraft]) -> Iterator[LastFile]:
    for entry in last.settings.files if last else ():
        now = next((draft.file for draft in drafts if draft.like == entry), "")
        platform, rows = entry.platform or "", None
        with suppress(Refused):
            raw = read_table(last.folder / entry.file, platform=entry.platform, layout=entry.layout) if last else None
            platform, rows = (raw.platform, len(raw.index)) if raw is not None else (platform, rows)
        yield LastFile(entry.file, entry.holds, platform, rows, now)


def _refuse(file: str, en: str, zh: str) -> NoReturn:
    raise Refused([Fault(file, 0, en, zh)]) from None
