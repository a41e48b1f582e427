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
    period: Annotated[
        str | None, typer.Option(help="months of the log, as 2026-07..08, or last 不用问卷，只看这几个月的活动记录")
    ] = None,
    lang: Annotated[str | None, typer.Option(help="en or zh; both where none is given 语言，默认两种")] = None,
    out: Annotated[Path | None, typer.Option(help="folder for reports 报告文件夹")] = None,
    engine: Engine = None,
    exchange: Exchange = None,
) -> None:
    """Make the report of a wave, or of months between waves, in both languages. 生成一个波次或几个月的中英文报告。"""
    import survey
    from reports.export import export
    from reports.pages import LANGUAGES

    if lang is not None and lang not in LANGUAGES:
        raise typer.BadParameter(f"{lang!r} is none of {', '.join(LANGUAGES)}")
    if period is not None and wave is not None:
        raise typer.BadParameter("give a wave or --period, not both 波次和 --period 只能给一个")
    count_with(engine, exchange)
    languages = (lang,) if lang else LANGUAGES
    opened = survey.open_study(study)
    place = export(opened, wave, languages, period=period, out=out, tell=lambda step: typer.echo(f"  {step}"))
    for language in languages:
        index = place / language / "index.html"
        typer.echo(os.path.relpath(index) if index.is_relative_to(Path.cwd()) else str(index))
