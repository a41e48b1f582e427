"""``workbench verify``: is every byte of a study's store what was written, and is what arrived still what was recorded?"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from survey.store import Verified

WHOLE, OTHER_FILES, FAULTY = 0, 1, 2


def verify(
    study: Annotated[str, typer.Argument(help="name of a study, or its folder 研究名称或文件夹")],
    lang: Annotated[str | None, typer.Option(help="en or zh; by the shell's language where none is given 语言")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="for scripts 供脚本使用")] = False,
) -> None:
    """Read a store again: exit code 0 whole, 1 other files arrived since, 2 faults. 检查存储是否完整。"""
    from reports.commands.check import language_of
    from survey import raw_files, store
    from survey.study import study_folder

    language, folder = language_of(lang), study_folder(study)
    home = store.home(folder.name)
    found = store.verify(home)
    raw = raw_files.differing(folder, store.versions(home) if found.readable else ())
    if as_json:
        typer.echo(json.dumps({"study": folder.name, **asdict(found), "raw": raw}, ensure_ascii=False))
    else:
        typer.echo("\n".join(_lines(folder.name, found, raw, language)))
    raise typer.Exit(FAULTY if found.faults else OTHER_FILES if any(raw.values()) else WHOLE)


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
