"""``workbench check``: is this study in order, and what became of every row that arrived?"""

from __future__ import annotations

import json
from typing import Annotated

import typer


def check(
    study: Annotated[str, typer.Argument(help="name of a study, or its folder 研究名称或文件夹")],
    wave: Annotated[str | None, typer.Argument(help="wave; the latest where none is given 调查波次，默认最新")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="for scripts 供脚本使用")] = False,
) -> None:
    """Check a study's folder and files, and say what became of every row. 检查研究文件夹和数据文件。"""
    import survey

    panel = survey.open_study(study).panel(wave)
    if as_json:
        typer.echo(json.dumps(panel.tally.to_dict("records"), ensure_ascii=False))
        return
    for (name, file), lines in panel.tally.groupby(["wave", "file"], sort=False):
        rules = ", ".join(f"{line.rule} {line.rows or line.cells}" for line in lines.itertuples())
        typer.echo(f"{name}/{file}: {rules}")
    typer.echo(f"{panel!r}\nin order 检查通过")
