"""Frames in, results out. Verbs load when they are first used: importing everything at once costs seconds."""

from __future__ import annotations

import importlib
from typing import Any

_WHERE = {
    "Design": "analysis.methods.design",
    "Replicates": "analysis.methods.design",
    "estimates": "analysis.methods.estimates",
    "contrast": "analysis.methods.contrasts",
    "differences_from_all": "analysis.methods.contrasts",
    "adjust_p": "analysis.methods.multiplicity",
    "glm": "analysis.methods.glm",
    "glm_test": "analysis.methods.glm",
    "rao_scott": "analysis.methods.glm",
    "reliability": "analysis.methods.reliability",
    "agreement": "analysis.methods.agreement",
    "icc": "analysis.methods.icc",
    "fit_cfa": "analysis.methods.measurement",
    "invariance": "analysis.methods.invariance",
    "fit_invariance": "analysis.methods.invariance",
    "comparability": "analysis.methods.comparability",
    "unit_reliability": "analysis.methods.icc",
    "kaplan_meier": "analysis.methods.survival",
    "hazards": "analysis.methods.hazards",
    "transitions": "analysis.methods.transitions",
    "concentration": "analysis.methods.concentration",
    "fit_mixed": "analysis.methods.mixed",
    "mixed_intervals": "analysis.methods.mixed_intervals",
    "variance_shares": "analysis.methods.variance_shares",
    "contextual": "analysis.methods.contextual",
    "pseudo_mixed": "analysis.methods.mixed_weighted",
    "poststratified": "analysis.methods.poststratify",
    "fay_herriot": "analysis.methods.fay_herriot",
    "benchmarked": "analysis.methods.benchmark",
    "fit_cohesion": "analysis.questions.cohesion",
    "fit_attraction": "analysis.questions.attraction",
    "activity": "analysis.questions.activity",
    "retention": "analysis.questions.retention",
    "say_do": "analysis.questions.say_do",
    "coverage": "analysis.questions.coverage",
    "chain": "analysis.questions.chain",
    "intake": "analysis.questions.intake",
    "careless": "analysis.questions.careless",
    "linkage": "analysis.questions.linkage",
    "balance": "analysis.questions.missing",
    "nonresponse_bias": "analysis.questions.missing",
    "response": "analysis.questions.response",
    "plan_release": "analysis.disclosure",
    "release": "analysis.disclosure",
    "Released": "analysis.disclosure",
    "ReleasePlan": "analysis.disclosure",
}
_ROOMS = ("display", "tidy", "disclosure")
__all__ = [*_WHERE, *_ROOMS]


def __getattr__(name: str) -> Any:
    if name in _WHERE:
        return getattr(importlib.import_module(_WHERE[name]), name)
    if name in _ROOMS:
        return importlib.import_module(f"analysis.{name}")
    raise AttributeError(f"analysis has no {name!r}; it has {', '.join(__all__)}")


def __dir__() -> list[str]:
    return sorted(__all__)
