"""``workbench seal``: after intake, the raw files about people are encrypted for a custodian, or deleted."""

from __future__ import annotations

from typing import Annotated

import typer


def seal(
    study: Annotated[str, typer.Argument(help="name of a study, or its folder 研究名称或文件夹")],
    wave: Annotated[str, typer.Argument(help="wave 调查波次")],
    to: Annotated[str | None, typer.Option(help="the custodian's public key, age1... 保管人的公钥")] = None,
    delete: Annotated[bool, typer.Option("--delete", help="delete them instead 改为删除")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="do not ask 不再询问")] = False,
    lang: Annotated[str | None, typer.Option(help="en or zh; by the shell's language where none is given 语言")] = None,
) -> None:
    """Encrypt a wave's raw files about people for a custodian, or delete them. 封存或删除一个波次中涉及个人的原始文件。"""
    import survey
    from reports.commands.check import shell_language
    from reports.seal_words import LANGUAGES, asked, done
    from survey import sealing

    language = lang or shell_language()
    if language not in LANGUAGES:
        raise typer.BadParameter(f"{language!r} is none of {', '.join(LANGUAGES)}")
    if (to is None) != delete:
        raise typer.BadParameter("give one of --to age1... and --delete 请在 --to 与 --delete 中选一个")
    recipient = None if to is None else sealing.public_key(to)
    opened = survey.open_study(study)
    of = opened.wave(wave)
    names = [name for name in sealing.about_people(of) if (of.folder / name).exists()]
    if names and not yes:
        typer.confirm(asked(names, sealing.unnamed(of), recipient, language), abort=True)
    opened.panel(of.name)  # what is not accepted is refused here, with its faults
    typer.echo(done(sealing.seal(opened, of, sealing.keep_rows(opened), recipient=recipient), of, language))
