"""``workbench refresh``: the committed notebooks executed again on the demo, for a change that is meant to alter numbers."""

from __future__ import annotations

import typer


def refresh() -> None:
    """Execute the committed notebooks on the demo and store their outputs. 在示例上重新运行随附的笔记本。"""
    import survey
    from reports.notebooks import FOLDER, PERIODS
    from reports.notebooks import refresh as execute

    demo = survey.open_study("demo")
    environment = {"WORKBENCH_STUDY": str(demo.folder), "WORKBENCH_WAVE": demo.waves()[-1], "WORKBENCH_PERIOD": "last"}
    for folder in (FOLDER, PERIODS):
        execute(folder, environment, lambda name: typer.echo(f"  {name}"))
