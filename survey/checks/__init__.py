"""What arrived against what the study says: every row is as is, repaired or set aside with its reason, or the file is refused."""

from survey.checks.accepted import Accepted
from survey.checks.answers import check_answers
from survey.checks.log import check_log
from survey.checks.registry import check_registry

__all__ = ["Accepted", "check_answers", "check_log", "check_registry"]
