"""``workbench doctor``: is this machine a fit place for people's answers?"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer

WORDS = {
    "2": ("To be mended", "必须改正"),
    "1": ("To be looked at", "请留意"),
    "0": ("Nothing was found that is not as it should be.", "没有发现问题。"),
}


def doctor(
    study: Annotated[str | None, typer.Argument(help="name of a study, or its folder 研究名称或文件夹")] = None,
    lang: Annotated[str | None, typer.Option(help="en or zh; by the shell's language where none is given 语言")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="for scripts 供脚本使用")] = False,
) -> None:
    """Look at keys, permissions, settings, packages: exit code 0 fine, 1 to be looked at, 2 to be mended. 检查本机环境。"""
    import survey
    from reports import doctor as rooms
    from reports.commands.check import shell_language

    language = lang or shell_language()
    if language not in ("en", "zh"):
        raise typer.BadParameter(f"{language!r} is none of en, zh")
    found = rooms.examine(survey.open_study(study, first=True) if study else None)
    if as_json:
        typer.echo(json.dumps([asdict(one) for one in found], ensure_ascii=False))
        raise typer.Exit(rooms.state(found))
    column = ("en", "zh").index(language)
    for level in (rooms.MEND, rooms.WARN):
        if lines := [f"  {one.say(language)}" for one in found if one.level == level]:
            typer.echo("\n".join([WORDS[str(level)][column], *lines]))
    if not found:
        typer.echo(WORDS["0"][column])
    raise typer.Exit(rooms.state(found))
