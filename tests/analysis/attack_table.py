"""The table of attacks as a page, from running them. `make attacks` writes it to docs/attacks.md."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.analysis.attackers import ATTACKS, Attack

PAGE = Path(__file__).resolve().parents[2] / "docs" / "attacks.md"
RUNS = 80
HEAD = """# Attacks on what is published

Each row is a reader who tries to work out what was hidden, on made federations ({runs} each, other seeds than the tests').
Tries are cells of 1 to 9 people, pairs of published numbers, or answers of members; a success is a cell whose interval is pinned,
a pair of numbers whose people differ by 1 to 9, or an answer that follows for certain. Readers are given exact counts, not the
rounded ones. The same reader is let loose once more with the rule turned off. `make attacks` writes this page by running
`tests/analysis/attackers.py`; the tests run every row on a smaller scale, and fail where a rule does not hold or an attack fails
without its rule.

每一行是一种试图推算隐藏内容的读者；在虚构的联合会上各运行 {runs} 次。“成功”指单元人数被锁定、两个已公布数字背后仅相差 1 至 9 人，
或某人的回答可以确定推出。每种攻击另在关闭相应规则后重试一次，以说明规则确有作用。

| attack 攻击 | what the reader does 读者的做法 | rule 规则 | tries 尝试 | successes 成功 | rule off: tries 关闭 | successes 成功 |
|---|---|---|---:|---:|---:|---:|
"""


def row(attack: Attack, runs: int) -> str:
    """Run one attack and give its line."""
    seeds = range(1000, 1000 + runs)
    on, off = ([run(seed) for seed in seeds] for run in (attack.on, attack.off))
    numbers = [sum(r[k] for r in runs_) for runs_ in (on, off) for k in (0, 1)]
    told = " | ".join(f"{n:,}" for n in numbers)
    return f"| {attack.rows} | {attack.en}<br>{attack.zh} | {attack.rule} | {told} |"


def page(runs: int) -> str:
    """Give the whole page."""
    return HEAD.format(runs=runs) + "".join(f"{row(attack, runs)}\n" for attack in ATTACKS)


if __name__ == "__main__":
    PAGE.write_text(page(int(sys.argv[1]) if len(sys.argv) > 1 else RUNS), "utf-8")
