"""The fuzzer's counts at the end of a run, whichever processes ran the cases."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.survey.fuzz.ground import OUTCOMES


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Write a table: seed by outcome."""
    reports = [r for kind in terminalreporter.stats.values() for r in kind if getattr(r, "when", "") == "call"]
    told = [value for report in reports for name, value in report.user_properties if name == "fuzz"]
    if not told:
        return
    terminalreporter.write_sep("-", "fuzzer: files by what became of them")
    write = terminalreporter.write_line
    write(f"{'seed':20}{'files':>7}{'whole':>9}{'tally':>9}{'refused':>9}{'seconds':>9}")
    total: Counter[str] = Counter()
    for seed, outcomes, seconds in sorted(told):
        total.update(outcomes)
        write(_line(seed, Counter(outcomes), seconds))
    write(_line("all", total, sum(seconds for *_, seconds in told)))
    write(
        "; ".join(
            f"{short} = {outcome}" for short, outcome in zip(("whole", "tally", "refused"), OUTCOMES, strict=True)
        )
    )


def _line(seed: str, outcomes: Counter[str], seconds: float) -> str:
    return f"{seed:20}{outcomes.total():7,}" + "".join(f"{outcomes[o]:9,}" for o in OUTCOMES) + f"{seconds:9.1f}"
