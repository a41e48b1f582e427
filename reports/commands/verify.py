"""``workbench verify``: are our numbers those of other programs?  With a study: is its store what was written?"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from reports.reference import Line
    from survey.store import Verified

WHOLE, OTHER_FILES, FAULTY = 0, 1, 2


def verify(
    study: Annotated[str | None, typer.Argument(help="name of a study, or its folder 研究名称或文件夹")] = None,
    lang: Annotated[str | None, typer.Option(help="en or zh; by the shell's language where none is given 语言")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="for scripts 供脚本使用")] = False,
    data: Annotated[Path | None, typer.Option(help="folder of the real data sets 真实数据所在文件夹")] = None,
    every: Annotated[
        bool, typer.Option("--all", help="every number, not the worst of each method 列出全部数值")
    ] = False,
) -> None:
    """Compare our numbers with other programs' (0 all agree, 2 not); with a study, read its store again (0 whole, 1 other
    files arrived since, 2 faults). 与其他程序的数值对照；给出研究名称时检查其存储是否完整。"""
    from reports.commands.check import language_of

    if study is None:
        raise typer.Exit(_numbers(data, language_of(lang), as_json, every))
    if data is not None or every:
        raise typer.BadParameter("--data and --all are for reference numbers, without a study 仅用于数值对照")
    raise typer.Exit(_store(study, language_of(lang), as_json))


def _numbers(data: Path | None, language: str, as_json: bool, every: bool) -> int:
    from reports import reference
    from reports.reference_words import say

    if not reference.HOME.is_dir():
        typer.echo(say("gone", language))
        return FAULTY
    beside = Path(os.environ.get("WORKBENCH_TEST_DATA", reference.HOME.parents[2] / "shared" / "data"))
    data = data or beside
    found = list(reference.lines(data))
    bad = [one for one in found if not one.agrees]
    if as_json:
        rows = [{**asdict(one), "difference": one.difference, "agrees": one.agrees} for one in found]
        typer.echo(json.dumps({"numbers": rows, "absent": reference.without_data(data)}, ensure_ascii=False))
        return FAULTY if bad else WHOLE
    shown = found if every else [*_worst(found), *bad]
    typer.echo(say("title", language))
    typer.echo("\n".join(_table(shown, found, language)))
    if not every:
        typer.echo(say("worst", language))
    if absent := reference.without_data(data):
        typer.echo(say("absent", language, names=", ".join(absent)))
    typer.echo(say("differ" if bad else "agree", language, n=f"{len(found):,}", bad=len(bad)))
    return FAULTY if bad else WHOLE


def _worst(found: Sequence[Line]) -> list[Line]:
    """The number of each method and program that comes nearest to its tolerance."""
    worst: dict[tuple[str, str], Line] = {}
    for one in found:
        before = worst.get(_kind(one))
        if before is None or one.difference / one.tolerance > before.difference / before.tolerance:
            worst[_kind(one)] = one
    return list(worst.values())


def _kind(one: Line) -> tuple[str, str]:
    return one.method, one.source.partition(";")[0]


def _table(shown: Sequence[Line], found: Sequence[Line], language: str) -> Iterator[str]:
    from reports.reference_words import METHODS, WORDS

    count = Counter(map(_kind, found))
    cells = [list(WORDS["columns"][language == "zh"])]
    for one in shown:
        name, mark = METHODS[one.method][language == "zh"], "" if one.agrees else "  <<<"
        numbers = [f"{one.reference:.8g}", f"{one.ours:.8g}", f"{one.difference:.1e}", f"{one.tolerance:.0e}"]
        cells.append([name, str(count[_kind(one)]), _kind(one)[1], *numbers, one.what + mark])
    widths = [max(_width(row[k]) for row in cells) for k in range(len(cells[0]))]
    for row in cells:
        yield "  ".join(text + " " * (width - _width(text)) for text, width in zip(row, widths, strict=True)).rstrip()


def _width(text: str) -> int:
    """Columns of a terminal: Chinese signs take two."""
    return sum(2 if ord(sign) > 0x2E7F else 1 for sign in text)


def _store(study: str, language: str, as_json: bool) -> int:
    from survey import raw_files, releases, store
    from survey.study import study_folder

    folder = study_folder(study)
    home = store.home(folder.name)
    found = store.verify(home)
    found = replace(found, faults=(*found.faults, *releases.faults(folder.name)))
    raw = raw_files.differing(folder, store.versions(home) if found.readable else ())
    if as_json:
        typer.echo(json.dumps({"study": folder.name, **asdict(found), "raw": raw}, ensure_ascii=False))
    else:
        typer.echo("\n".join(_lines(folder.name, found, raw, language)))
    return FAULTY if found.faults else OTHER_FILES if any(raw.values()) else WHOLE


def _lines(study: str, found: Verified, raw: dict[str, list[str]], language: str) -> Iterator[str]:
    from reports.store_words import say

    size, seconds = f"{found.bytes / 2**20:,.1f}", f"{found.seconds:,.1f}"
    if not (found.files or found.faults):
        yield say("empty", language, study=study)
        return
    yield say("verified", language, study=study, files=f"{found.files:,}", mb=size, seconds=seconds)
    yield say("faults", language, n=f"{len(found.faults):,}") if found.faults else say("whole", language)
    yield from (f"    {f.file}: {f.en if language == 'en' else f.zh}" for f in found.faults)
    if found.leftovers:
        yield say("leftovers", language, n=f"{found.leftovers:,}")
    if any(raw.values()):
        yield say("raw", language)
        yield from (f"    {say(what, language, name=name)}" for what, names in raw.items() for name in names)
