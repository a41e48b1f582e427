"""``workbench lab``: JupyterLab on copies of the notebooks, so that the committed ones are never overwritten by a real study."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

# For nobody but its user, whatever the user's own files of settings say; the token is made anew at every start.
SETTINGS = (
    "--ServerApp.ip=127.0.0.1",
    "--ServerApp.allow_root=False",
    "--ServerApp.allow_origin=",
    "--ServerApp.allow_origin_pat=",
    "--ServerApp.allow_remote_access=False",
    "--ServerApp.disable_check_xsrf=False",
)


def lab(
    study: Annotated[str, typer.Argument(help="name of a study, or its folder 研究名称或文件夹")] = "demo",
    wave: Annotated[str | None, typer.Argument(help="wave; the latest where none is given 调查波次，默认最新")] = None,
    only_copy: Annotated[
        bool, typer.Option("--only-copy", help="make the copies, do not start 只复制，不启动")
    ] = False,
) -> None:
    """Open JupyterLab on copies of the notebooks for a study. 在笔记本副本上打开 JupyterLab。"""
    import survey

    opened = survey.open_study(study)
    folder = copies(opened.name)
    typer.echo(os.path.relpath(folder))
    if not only_copy:
        environment = {**os.environ, "WORKBENCH_STUDY": str(opened.folder), "WORKBENCH_WAVE": opened.wave(wave).name}
        raise typer.Exit(subprocess.call([sys.executable, "-m", "jupyterlab", *SETTINGS, str(folder)], env=environment))


def copies(study: str) -> Path:
    """Copy the notebooks to ``reports/out/lab/<study>``; a copy that is there already, with its changes, is kept."""
    from reports.export import reports_home
    from reports.notebooks import FOLDER

    folder = reports_home() / "lab" / study
    for path in sorted(FOLDER.rglob("*.ipynb")):
        copy = folder / path.relative_to(FOLDER)
        copy.parent.mkdir(parents=True, exist_ok=True)
        if ".ipynb_checkpoints" not in path.parts and not copy.exists():
            shutil.copyfile(path, copy)
    return folder
