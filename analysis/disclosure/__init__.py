"""Plan once which cells stay hidden, then let tables out through one door.

`plan_release` looks at the people behind every cut; `release` hides and rounds by that plan; a `Released` is what readers
may see. `MIME` marks outputs in notebooks that export lets through. `published` finds the people behind what was let out, and
`clashes` what may not follow it.
"""

from analysis.disclosure.plan import DESCRIPTORS, ReleasePlan, plan_release
from analysis.disclosure.published import Clash, Published, clashes, published
from analysis.disclosure.release import MIME, Released, release
from analysis.disclosure.rounding import STATISTICS, Rules

__all__ = [
    "DESCRIPTORS",
    "MIME",
    "STATISTICS",
    "Clash",
    "Published",
    "ReleasePlan",
    "Released",
    "Rules",
    "clashes",
    "plan_release",
    "published",
    "release",
]
