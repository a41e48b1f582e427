"""Is this machine a fit place for people's answers? Keys, store, JupyterLab's settings, packages, fonts, disk, time zones.

Nothing is changed and nothing is made; every finding says what was seen and what to do, in both languages.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reports.doctor import jupyter, machine, secrecy
from reports.doctor.findings import FINE, MEND, WARN, Finding

if TYPE_CHECKING:
    from survey import Study

__all__ = ["FINE", "MEND", "WARN", "Finding", "examine", "state"]


def examine(study: Study | None = None) -> tuple[Finding, ...]:
    """Look at everything; the gravest finding first.

    Parameters
    ----------
    study : Study, optional
        Whose key, files and store are looked at too; without one, the folder of keys and all stores.
    """
    found = [*secrecy.findings(study), *jupyter.findings(), *machine.findings(study)]
    return tuple(sorted(found, key=lambda finding: -finding.level))


def state(findings: tuple[Finding, ...]) -> int:
    """Give the exit code: 0 fine, 1 something to look at, 2 something to mend."""
    return max((finding.level for finding in findings), default=FINE)
