"""``workbench report``: the main job, from a wave's files to a reviewer's report."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from reports.commands.engine import Engine, Exchange, count_with


def report(
    study: Annotated[str, typer.Argument(help="name of a study, or its folder 研究名称或文件夹")],
    wave: Annotated[str | None, typer.Argument(help="wave; the latest where none is given 调查波次，默认最新")] = None,
    lang: Annotated[str | None, typer.Option(help="en or zh; both where none is given 语言，默认两种")] = None,
    out: Annotated[Path | None, typer.Option(help="folder for reports 报告文件夹")] = None,
    engine: Engine = None,
    exchange: Exchange = None,
) -> None:
    """Make the report of a wave, in English and Chinese. 生成一个波次的中英文报告。"""
    import survey
    from reports.export import export
    from reports.pages import LANGUAGES

    if lang is not None and lang not in LANGUAGES:
        raise typer.BadParameter(f"{lang!r} is none of {', '.join(LANGUAGES)}")
    count_with(engine, exchange)
    languages = (lang,) if lang else LANGUAGES
    place = export(survey.open_study(study), wave, languages, out=out, tell=lambda step: typer.echo(f"  {step}"))
    for language in languages:
        index = place / language / "index.html"
        typer.echo(os.path.relpath(index) if index.is_relative_to(Path.cwd()) else str(index))
