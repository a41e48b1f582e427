"""``workbench release``: a report that may be passed on, step by step: frozen, signed by two offices, published, withdrawn."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from survey.releases import Release


def release(
    study: Annotated[str, typer.Argument(help="name of a study, or its folder 研究名称或文件夹")],
    wave: Annotated[
        str | None, typer.Argument(help="wave; none: what was released so far 波次；不填则列出发布情况")
    ] = None,
    sign: Annotated[str | None, typer.Option(help="the office that signs for what is frozen 签署部门")] = None,
    withdraw: Annotated[bool, typer.Option("--withdraw", help="take back what was published 撤回已发布的报告")] = False,
    why: Annotated[str, typer.Option(help="why it is withdrawn 撤回原因")] = "",
    lang: Annotated[str | None, typer.Option(help="en or zh; by the shell's language where none is given 语言")] = None,
) -> None:
    """Freeze, sign for, publish or withdraw the report of a wave. 冻结、签署、发布或撤回一个波次的报告。"""
    import survey
    from reports import releasing
    from reports.commands.check import shell_language
    from reports.release_words import LANGUAGES, listed, say
    from survey import releases

    language = lang or shell_language()
    if language not in LANGUAGES:
        raise typer.BadParameter(f"{language!r} is none of {', '.join(LANGUAGES)}")
    if (wave is None and (sign or withdraw)) or (withdraw and not sign) or (why and not withdraw):
        raise typer.BadParameter(
            "a step needs its wave; --withdraw needs --sign OFFICE and --why 每一步都要写明波次；撤回须同时给出 --sign 和 --why"
        )
    opened = survey.open_study(study)
    if wave is None:
        typer.echo("\n".join(_list(opened.name, language)))
        return
    name = opened.wave(wave).name
    if withdraw:
        done = releasing.withdraw(opened, name, sign or "", why)
    elif sign is not None:
        done = releasing.sign(opened, name, sign)
    else:
        done = releasing.prepare(opened, name, lambda step: typer.echo(f"  {step}"))
        typer.echo("\n".join(_frozen(opened.name, done, language)))
    parts = {"name": done.name, "study": opened.name, "wave": name, "files": str(len(done.files) - 1)}
    typer.echo(say(done.state, language, **parts, office=sign or "", offices=listed(done.offices, language)))
    typer.echo(say("head", language, head=releases.read(opened.name).head))


def _list(study: str, language: str) -> Iterator[str]:
    """A line a release, and the end of the log."""
    from reports.release_words import listed, say
    from survey import releases

    told = releases.read(study)
    for one in told.releases:
        parts = {"name": one.name, "state": say(f"state.{one.state}", language), "day": one.steps[-1].when[:10]}
        yield say("line", language, **parts, offices=listed(one.offices, language))
    yield say("head", language, head=told.head) if told.head else say("none", language)


def _frozen(study: str, done: Release, language: str) -> Iterator[str]:
    """What it was held against, and where its first pages lie."""
    from reports.release_words import say
    from survey import releases

    yield f"  {say('checked', language, count=len(releases.read(study).sets()))}"
    for index in sorted((releases.folder_of(study, done.name) / releases.PAGES).glob("*/index.html")):
        yield os.path.relpath(index) if index.is_relative_to(Path.cwd()) else str(index)
