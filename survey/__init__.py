"""Files in, one frozen panel out: the study, its waves, and everything that reads, checks, weights and seals them."""

from __future__ import annotations

import importlib
from typing import Any

_WHERE = {
    "open_study": "survey.study",
    "Study": "survey.study",
    "Panel": "survey.panel",
    "read_table": "survey.readers",
    "RawTable": "survey.readers",
    "rake": "survey.weighting.raking",
    "poststratify": "survey.weighting.raking",
    "calibrate": "survey.weighting.linear",
    "adjust_nonresponse": "survey.weighting.classes",
    "attrition_weights": "survey.weighting.classes",
    "replicate": "survey.weighting.replicates",
    "Raking": "survey.weighting.replicates",
    "Calibrating": "survey.weighting.replicates",
    "Responding": "survey.weighting.replicates",
    "CannotWeight": "survey.weighting.cells",
    "Refused": "survey.faults",
    "Fault": "survey.faults",
}
__all__ = list(_WHERE)


def __getattr__(name: str) -> Any:
    if name in _WHERE:
        return getattr(importlib.import_module(_WHERE[name]), name)
    raise AttributeError(f"survey has no {name!r}; it has {', '.join(__all__)}")


def __dir__() -> list[str]:
    return sorted(__all__)
