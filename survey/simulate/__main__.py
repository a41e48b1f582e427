"""``python -m survey.simulate FOLDER [--template FOLDER] [--truth FILE] [--seed N]``: write a synthetic study."""

from __future__ import annotations

import argparse
from pathlib import Path

from survey.simulate import simulate


def main() -> None:
    """Read the command line and write the study."""
    parser = argparse.ArgumentParser(prog="survey.simulate", description="Write a synthetic study with a known truth.")
    parser.add_argument("folder", type=Path, help="where the study is written")
    parser.add_argument("--template", type=Path, help="folder with truth.yaml, study.yaml, instrument.csv (the demo)")
    parser.add_argument("--truth", type=Path, help="YAML file laid over the template's truth")
    parser.add_argument("--seed", type=int, help="replaces the truth's seed")
    given = parser.parse_args()
    print(simulate(given.folder, template=given.template, truth=given.truth, seed=given.seed))


if __name__ == "__main__":
    main()
