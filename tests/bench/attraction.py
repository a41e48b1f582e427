"""All tables and fits of who is reached, comes and stays, from the `cells` and `careers` of a log of 1 and of 10 million rows.

usage: python tests/bench/attraction.py [ROWS ...]     (not a test; run by hand on a quiet machine)

Two waves of a year each, 19 organisations in 100 places of 11 cities, a registry, 10,000 answers of which seven in ten are
linked to the log. Reducing the log is timed apart (`log.py` has it beside plain grouping). Everything after it runs in one
process that reads the reduced tables and knows nothing of the log: `fit_attraction`, `coverage` by every cut, `retention`,
`activity`, `chain`, `say_do`. The second log of 10 million rows has about the careers of the first: what follows the reduction
hangs on careers, not on rows. BLAS has one thread.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from log_data import write_log
from peers import PYTHON_HEAD, ROOT, machine

MEMBERS, ACTIVITIES = 300_000, 120_000
LOGS = {"1 million": (1_000_000, MEMBERS), "10 million, few people": (10_000_000, MEMBERS // 10)}
LOGS |= {"10 million": (10_000_000, MEMBERS)}
REDUCE = (
    PYTHON_HEAD
    + """
from pathlib import Path
from survey.activity import LogPart, reduce_period
path, out = Path(sys.argv[1]), Path(sys.argv[2])
day = lambda text: pd.Timestamp(text)
def work():
    found = []
    for wave, first in (("2023", "2023-01-01"), ("2024", "2024-01-01")):
        closes = day(first) + pd.Timedelta(days=360) - pd.Timedelta(microseconds=1)
        options = {"again": {}, "first": day(first), "closes": closes, "since": day("2023-01-01"), "not_reporting": []}
        found.append(reduce_period([LogPart("1", "log", path)], wave, **options))
    return found
found, seconds, core = timed(work)
for name in ("cells", "careers", "observed"):
    pd.concat([getattr(one, name) for one in found], ignore_index=True).to_parquet(out / f"{name}.parquet")
tell(seconds=seconds, core=core, careers=sum(len(one.careers) for one in found), cells=sum(len(one.cells) for one in found))
"""
)
FITTED = (
    PYTHON_HEAD
    + """
from pathlib import Path
home = Path(sys.argv[1])
import analysis
from analysis.questions import activity, attraction, chain, coverage, retention, say_do
cells, careers, observed = (pd.read_parquet(home / f"{name}.parquet") for name in ("cells", "careers", "observed"))
rng = np.random.default_rng(3)
regions = sorted(careers["region"].dropna().unique())
cities = [f"c{k:02d}" for k in range(11)]
hierarchy = pd.DataFrame({"code": [*regions, *cities, "p"], "level": ["county"] * len(regions) + ["city"] * 11 + ["province"]})
hierarchy["parent"] = [cities[k % 11] for k in range(len(regions))] + ["p"] * 11 + [""]
came = careers.groupby(["wave", "group", "region"]).size().rename("came").reset_index()
registry = came.assign(members=np.ceil(came["came"] * rng.uniform(1.3, 4, len(came))), organisations=6.0)
registry["established"] = rng.integers(0, 7, len(registry)).astype(float)
registry["eligible"], registry["venues"] = np.ceil(registry["members"] * 1.5), rng.integers(0, 3, len(registry)).astype(float)
registry = registry.assign(staff=1 + registry["venues"]).drop(columns="came")
known = careers.drop_duplicates(["wave", "member"]).groupby("wave").sample(5000, random_state=1)
members = known[["wave", "member", "group", "region"]].reset_index(drop=True)
members["log_member"] = members["member"].where(rng.random(len(members)) < 0.7)
for step in ("reached", "intends", "propose", "take_part", "evaluate", "benefit", "design", "in_need"):
    members[step] = (rng.random(len(members)) < 0.4).astype(float)
members["satisfied"] = rng.normal(3.5, 0.8, len(members)).clip(1, 5)
members["employer"] = rng.choice(["state", "private", "new"], len(members))
where = {"group": "group", "region": "region", "wave": "wave", "hierarchy": hierarchy}
log = {"observed": observed, "window_days": 360}
seen = {"observed": observed, "wave": "wave", "hierarchy": hierarchy}
steps = {s: s for s in ("propose", "take_part", "evaluate", "benefit", "design")}
lines = {"group": "group", "wave": "wave"}
VERBS = {
    "fit_attraction": lambda: analysis.fit_attraction(
        cells, careers, members, registry, returned_days=90, by=["employer"], **log, **where
    ),
    "coverage, all cuts": lambda: [
        analysis.coverage(registry, careers, by=by, members=members, in_need="in_need", benefit="benefit", **seen)
        for by in ((), ("group",), ("region",), ("group", "region"))
    ],
    "coverage by employer": lambda: analysis.coverage(registry, careers, by=("employer",), members=members, **seen),
    "retention": lambda: analysis.retention(careers, **log, **lines),
    "activity": lambda: analysis.activity(careers, observed=observed, **where),
    "chain": lambda: analysis.chain(
        members, steps=steps, design=analysis.Design(), careers=careers, observed=observed, region=None, hierarchy=None, **lines
    ),
    "say_do": lambda: analysis.say_do(
        members, careers, scales=["satisfied"], limits={"satisfied": (1, 5)}, person="member", region="region", **log, **lines
    ),
}
took = {}
before = peak()
for name, verb in VERBS.items():
    _, seconds, core = timed(verb)
    took[name] = seconds
    print(f"    {name:22}{seconds:7.2f} s", file=sys.stderr, flush=True)
tell(seconds=sum(took.values()), before=before)
"""
)


def main(wanted: list[int]) -> None:
    """Print what each log takes."""
    print(machine(["pandas", "numpy", "duckdb"]))
    for name, (rows, people) in LOGS.items():
        if wanted and rows not in wanted:
            continue
        with tempfile.TemporaryDirectory() as home:
            log = Path(home) / "log.parquet"
            write_log(log, rows, members=people, activities=ACTIVITIES)
            reduced = _run(REDUCE, str(log), home)
            log.unlink()
            sizes = f"{reduced['careers']:,} careers, {reduced['cells']:,} cells"
            print(f"{name} rows: {sizes}, reduced in {reduced['seconds']:.1f} s", flush=True)
            fitted = _run(FITTED, home)
            print(
                f"  all of it {fitted['seconds']:.1f} s, peak {fitted['peak']:.2f} GiB ({fitted['before']:.2f} read)",
                flush=True,
            )


def _run(code: str, *arguments: str) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True
    )
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


if __name__ == "__main__":
    main([int(rows) for rows in sys.argv[1:]])
