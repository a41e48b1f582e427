"""Plan once which cells stay hidden, then let tables out through one door.

`plan_release` looks at the people behind every cut; `release` hides and rounds by that plan; a `Released` is what readers
may see. `MIME` marks outputs in notebooks that export lets through.
"""

from analysis.disclosure.plan import DESCRIPTORS, ReleasePlan, plan_release
from analysis.disclosure.release import MIME, Released, release
from analysis.disclosure.rounding import STATISTICS, Rules

__all__ = ["DESCRIPTORS", "MIME", "STATISTICS", "ReleasePlan", "Released", "Rules", "plan_release", "release"]
