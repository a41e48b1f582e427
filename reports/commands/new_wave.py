"""``workbench new-wave``: a folder for what arrived, a proposed mapping, and a checklist from the last wave."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer


def new_wave(
    study: Annotated[str, typer.Argument(help="name of a study, or its folder 研究名称或文件夹")],
    wave: Annotated[str, typer.Argument(help="name of the new wave, such as 2025 新波次的名称")],
    files: Annotated[
        list[Path] | None,
        typer.Argument(
            help="what arrived; none: what lies in the wave's folder 收到的文件；不写则取该波次文件夹中的文件"
        ),
    ] = None,
    lang: Annotated[str | None, typer.Option(help="en or zh; by the shell's language where none is given 语言")] = None,
) -> None:
    """Make a new wave's folder with a proposed wave.yaml; nothing runs before you confirm it. 新建波次并生成对应建议。"""
    import survey
    from reports.commands.check import shell_language
    from reports.new_wave_words import LANGUAGES, checklist, checklists
    from survey.proposal.new_wave import new_wave as make

    language = lang or shell_language()
    if language not in LANGUAGES:
        raise typer.BadParameter(f"{language!r} is none of {', '.join(LANGUAGES)}")
    draft = make(survey.open_study(study, first=True), wave, files or (), checklists)
    typer.echo(checklist(draft, language, whole=False))
    place = draft.folder / "wave.yaml"
    typer.echo(os.path.relpath(place) if place.is_relative_to(Path.cwd()) else str(place))
