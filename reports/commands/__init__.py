"""The command ``workbench``: one file a command, each thin."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import typer


def app() -> typer.Typer:
    """Gather the commands."""
    import typer

    from reports.commands.check import check
    from reports.commands.doctor import doctor
    from reports.commands.lab import lab
    from reports.commands.new_wave import new_wave
    from reports.commands.purge import purge
    from reports.commands.refresh import refresh
    from reports.commands.release import release
    from reports.commands.report import report
    from reports.commands.seal import seal
    from reports.commands.verify import verify

    gathered = typer.Typer(
        help="Cohesion Workbench 凝聚力工作台: a wave's files in, a reviewer's report out.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    for command in (check, new_wave, report, release, verify, seal, purge, doctor, lab, refresh):
        gathered.command()(command)
    return gathered


def main() -> None:
    """Run the command; bad input ends in plain words and exit code 2, never in a traceback."""
    from reports.commands.check import shell_language
    from reports.commands.notes import show_notes
    from reports.commands.progress import show_progress
    from reports.notebooks import NotebookFailed
    from reports.pages import NotReleased
    from survey import Refused

    show_progress()
    show_notes(shell_language())
    try:
        app()()
    except Refused as refused:
        count = len(refused.faults)
        end = f"{count} fault(s); nothing was written. 共 {count} 处错误；没有写入任何内容。"
        sys.exit(_told(f"{refused}\n\n{end}", 2))
    except (NotReleased, NotebookFailed) as stopped:
        sys.exit(_told(f"{stopped}\nNo report was written. 没有生成报告。", 3))


def _told(text: str, code: int) -> int:
    sys.stderr.write(f"{text}\n")
    return code
