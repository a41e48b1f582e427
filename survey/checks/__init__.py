"""What arrived against what the study says: every row is as is, repaired or set aside with its reason, or the file is refused."""

from collections.abc import Callable

from survey.checks.accepted import Accepted
from survey.checks.affairs import check_affairs
from survey.checks.answers import check_answers
from survey.checks.log import check_log
from survey.checks.memberships import Roll, check_memberships
from survey.checks.registry import check_registry
from survey.identity import Key
from survey.schema import FileEntry
from survey.study import Study, Wave

# By what a file holds; a log is also compared with the list of members (`check_log`).
CHECKS: dict[str, Callable[[Study, Wave, FileEntry, Key], Accepted]] = {
    "answers": check_answers,
    "log": check_log,
    "memberships": check_memberships,
    "registry": check_registry,
    "visits": check_affairs,
    "proposals": check_affairs,
    "cases": check_affairs,
}

__all__ = [
    "CHECKS",
    "Accepted",
    "Roll",
    "check_affairs",
    "check_answers",
    "check_log",
    "check_memberships",
    "check_registry",
]
