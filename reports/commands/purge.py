"""``workbench purge``: a wave erased, from the store and from what arrived, where somebody has the right to that."""

from __future__ import annotations

from typing import Annotated

import typer


def purge(
    study: Annotated[str, typer.Argument(help="name of a study, or its folder 研究名称或文件夹")],
    wave: Annotated[str, typer.Argument(help="name of the wave 调查波次")],
    yes: Annotated[bool, typer.Option("--yes", help="do not ask 不再询问")] = False,
    lang: Annotated[str | None, typer.Option(help="en or zh; by the shell's language where none is given 语言")] = None,
) -> None:
    """Erase a wave: its folder and all that was stored of it; asks before. 删除一个波次的全部资料。"""
    from reports.commands.check import language_of
    from reports.store_words import say
    from survey import raw_files, store
    from survey.study import study_folder

    language, folder = language_of(lang), study_folder(study)
    home, names = store.home(folder.name), {"study": folder.name, "wave": wave}
    entries, files = len(store.holding(home, wave)), len(raw_files.files_of(folder, wave))
    if not (entries or files):
        store.sweep(home)  # what a purge that was stopped has left
        typer.echo(say("nothing", language, **names))
        return
    if not (yes or typer.confirm(say("ask", language, entries=f"{entries}", files=f"{files}", **names))):
        typer.echo(say("kept", language))
        return
    raw = raw_files.take_away(folder, wave)
    gone = store.purge(home, wave)
    told = {"files": f"{gone.files:,}", "mb": f"{gone.bytes / 2**20:,.1f}", "raw": f"{raw:,}"}
    typer.echo(say("purged", language, **told, **names))
