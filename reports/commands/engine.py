"""The options that say which engine counts the log."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

Engine = Annotated[
    str | None,
    typer.Option(
        metavar="ENGINE", help="what counts the log: duckdb, local[2] or spark://host:port 统计活动记录的计算引擎"
    ),
]
Exchange = Annotated[
    Path | None, typer.Option(help="folder that a Spark cluster and this machine share 与 Spark 集群共享的文件夹")
]


def count_with(engine: str | None, exchange: Path | None) -> None:
    """Hand the choice to everything that is started from here; an engine that is not known is refused at once."""
    from survey.activity import engines

    chosen = {engines.ENGINE: engine, engines.EXCHANGE: None if exchange is None else str(exchange.absolute())}
    os.environ.update({name: value for name, value in chosen.items() if value is not None})
    engines.chosen()
