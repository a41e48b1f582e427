"""``workbench check``: what arrived, what became of every row, what must be decided, what to do now."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reports.commands.engine import Engine, Exchange, count_with

if TYPE_CHECKING:
    from reports.checking import Account


def check(
    study: Annotated[str, typer.Argument(help="name of a study, or its folder 研究名称或文件夹")],
    wave: Annotated[str | None, typer.Argument(help="wave; the latest where none is given 调查波次，默认最新")] = None,
    lang: Annotated[str | None, typer.Option(help="en or zh; by the shell's language where none is given 语言")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="for scripts 供脚本使用")] = False,
    engine: Engine = None,
    exchange: Exchange = None,
) -> None:
    """Check a study's folder and files: exit code 0 fine, 1 something to look at, 2 refused. 检查研究文件夹和数据文件。"""
    import survey
    from reports import checking

    language = language_of(lang)
    count_with(engine, exchange)
    try:
        panel = survey.open_study(study).panel(wave)
    except survey.Refused as refused:
        name, waves = Path(study).name, wave or ""
        if as_json:
            typer.echo(json.dumps([_fault(f) for f in refused.faults], ensure_ascii=False))
        else:
            short = checking.refusal(refused.faults, name, waves, language, checking.SCREEN)
            whole = checking.refusal(refused.faults, name, waves, language)
            _tell(short, _page(whole, name, waves, language, synthetic=False), language)
        raise typer.Exit(checking.REFUSED) from None
    told = checking.account(panel, language)
    if as_json:
        typer.echo(json.dumps(panel.tally.to_dict("records"), ensure_ascii=False))
    else:
        page = _page(told, panel.study.name, panel.wave, language, synthetic=panel.study.settings.synthetic)
        _tell(told, page, language)
    raise typer.Exit(told.state)


def language_of(given: str | None) -> str:
    """The language that was asked for, else the shell's."""
    language = given or shell_language()
    if language not in ("en", "zh"):
        raise typer.BadParameter(f"{language!r} is none of en, zh")
    return language


def shell_language() -> str:
    """The shell's language: Chinese where it says so, else English."""
    said = next((os.environ[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if os.environ.get(name)), "")
    return "zh" if said.lower().startswith("zh") else "en"


def _fault(fault: object) -> dict[str, object]:
    return {name: getattr(fault, name) for name in ("file", "line", "en", "zh")}


def _tell(account: Account, page: Path, language: str) -> None:
    from reports.check_words import say

    typer.echo(account.text())
    path = os.path.relpath(page) if page.is_relative_to(Path.cwd()) else str(page)
    typer.echo(f"\n{say('page', language, path=path)}")


def _page(account: Account, study: str, wave: str, language: str, *, synthetic: bool) -> Path:
    """Write the account as a page beside the study's reports."""
    from reports import fonts
    from reports.export import reports_home
    from reports.render import render_check

    page = reports_home() / study / "check" / f"{wave or 'study'}-{language}.html"
    page.parent.mkdir(parents=True, exist_ok=True)
    face = fonts.face(render_check(account, language, synthetic=synthetic))
    page.write_text(render_check(account, language, synthetic=synthetic, font_face=face), "utf-8")
    return page
