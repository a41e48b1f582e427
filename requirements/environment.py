"""Write `environment.yml` for conda users from `pyproject.toml` (which packages) and `requirements/lock.txt` (which versions).

usage: python requirements/environment.py [--show]      (--show prints it and writes nothing)

conda-forge is not asked: names and versions come from the two files alone, so what is written is the same on every machine.
"""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
PYTHON = "3.11"
# Names that differ on conda-forge, and packages that are not there and come by pip.
CONDA_NAMES = {"duckdb": "python-duckdb", "brotli": "brotli-python", "matplotlib": "matplotlib-base"}
BY_PIP = {"noto-cjk-sans-otc", "svy", "ordinalcorr", "pyrage"}
# An optional group that conda users do not need stands in pyproject.toml and not here: `spark` has a lock of its own.
EXTRAS = ("dev",)
HEAD = """\
# Written by `make environment` from pyproject.toml and requirements/lock.txt; do not edit.
# 由 make environment 生成，请勿手工修改。
"""


def main(arguments: list[str]) -> int:
    """Write the file, or show it."""
    text = render((ROOT / "pyproject.toml").read_text("utf-8"), (ROOT / "requirements/lock.txt").read_text("utf-8"))
    if arguments == ["--show"]:
        print(text, end="")
    else:
        (ROOT / "environment.yml").write_text(text, "utf-8")
    return 0


def render(pyproject: str, lock: str) -> str:
    """Give the text of environment.yml: one exact pin for each package that pyproject.toml names."""
    versions = locked(lock)
    pins = {name: versions[name] for name in direct(pyproject)}
    conda = sorted((CONDA_NAMES.get(name, name), pin) for name, pin in pins.items() if name not in BY_PIP)
    by_pip = sorted((name, pin) for name, pin in pins.items() if name in BY_PIP)
    head = [f"{HEAD}name: cohesion-workbench", "channels:", "  - conda-forge", "  - nodefaults"]
    libraries = [f"  - {name}={pin}" for name, pin in conda]
    piped = [f"      - {name}=={pin}" for name, pin in by_pip]
    body = ["dependencies:", f"  - python={PYTHON}", "  - pip", *libraries, "  - pip:", *piped, "      - -e ."]
    return "\n".join([*head, *body]) + "\n"


def direct(pyproject: str) -> list[str]:
    """Give the names of the packages the project asks for itself, tests' and tools' included."""
    project = tomllib.loads(pyproject)["project"]
    extras = [line for extra in EXTRAS for line in project["optional-dependencies"][extra]]
    return [canonicalize_name(Requirement(line).name) for line in [*project["dependencies"], *extras]]


def locked(lock: str) -> dict[str, str]:
    """Give name and version of every package that the lock holds for Python 3.11 on Linux."""
    place = {
        "python_version": PYTHON,
        "python_full_version": f"{PYTHON}.9",
        "sys_platform": "linux",
        "os_name": "posix",
    }
    found = re.findall(r"^([\w.-]+)==(\S+?)(?:\s*;\s*(.+?))?\s*\\$", lock, flags=re.MULTILINE)
    return {name: version for name, version, marker in found if not marker or Marker(marker).evaluate(place)}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
