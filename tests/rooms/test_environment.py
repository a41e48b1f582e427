"""pyproject.toml, requirements/lock.txt and environment.yml say the same, and the lock can be trusted and names no place.

The three are read here with other means (packaging, yaml, a pattern) than the script that writes environment.yml.
"""

from __future__ import annotations

import re
import runpy
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

# conda-forge's names for what PyPI calls otherwise.
OTHER_NAMES = {"python-duckdb": "duckdb", "brotli-python": "brotli", "matplotlib-base": "matplotlib"}


def test_the_three_files_agree(project: Path) -> None:
    assert disagreements(*texts(project)) == []


def test_environment_yml_is_what_the_script_writes(project: Path) -> None:
    pyproject, lock, environment = texts(project)
    render = runpy.run_path(str(project / "requirements/environment.py"))["render"]
    assert render(pyproject, lock) == environment, "run make environment"


def test_conda_gets_the_python_that_is_tested(project: Path) -> None:
    pyproject, _, environment = texts(project)
    assert "python=3.11" in yaml.safe_load(environment)["dependencies"]
    assert tomllib.loads(pyproject)["project"]["requires-python"] == ">=3.11"


def test_spark_is_apart_and_its_lock_is_within_its_bounds(project: Path) -> None:
    pyproject, lock, environment = texts(project)
    asked = [Requirement(line) for line in tomllib.loads(pyproject)["project"]["optional-dependencies"]["spark"]]
    held = versions((project / "requirements/spark.txt").read_text("utf-8"))
    assert [one.name for one in asked if not one.specifier.contains(held[one.name][0])] == []
    assert not set(held) & (set(versions(lock)) | set(pins(environment))), "make report and conda do without Spark"


@pytest.mark.parametrize("name", ["lock.txt", "uv.txt", "spark.txt"])
def test_every_package_of_a_lock_has_its_hash(project: Path, name: str) -> None:
    lock = (project / "requirements" / name).read_text("utf-8")
    packages = re.split(r"^(?=\S)", lock, flags=re.MULTILINE)[1:]
    assert len(packages) == len(re.findall(r"^[\w.-]+==\S+", lock, flags=re.MULTILINE)) > 0
    assert [entry.split()[0] for entry in packages if not re.search(r"--hash=sha256:[0-9a-f]{64}\b", entry)] == []


@pytest.mark.parametrize("name", ["lock.txt", "uv.txt", "spark.txt"])
def test_a_lock_names_no_address_and_no_place(project: Path, name: str) -> None:
    lock = (project / "requirements" / name).read_text("utf-8")
    assert re.findall(r"://|--index|--find-links|--trusted|file:|^\s*#.*|\s/\S+", lock, flags=re.MULTILINE) == []


PLANTED = [
    ("environment", r"  - pandas=\S+", "  - pandas=3.0.0"),
    ("environment", r"  - rich=\S+\n", ""),
    ("environment", r"  - rich=", "  - requests=2.0\n  - rich="),
    ("environment", r"noto-cjk-sans-otc==\S+", "noto-cjk-sans-otc==0.0.2"),
    ("lock", r"^scipy==\S+", "scipy==1.18.0"),
    ("lock", r"^typer==\S+", "typist==1.0"),
    ("pyproject", r'"rich>=14"', '"rich>=99"'),
    ("pyproject", r'"rich>=14"', '"rich>=14", "networkx>=3"'),
]


@pytest.mark.parametrize(("place", "pattern", "instead"), PLANTED)
def test_a_planted_difference_is_caught(project: Path, place: str, pattern: str, instead: str) -> None:
    files = dict(zip(("pyproject", "lock", "environment"), texts(project), strict=True))
    changed = re.sub(pattern, instead, files[place], count=1, flags=re.MULTILINE)
    assert changed != files[place], "the plant did not take"
    assert disagreements(*(files | {place: changed}).values())


def disagreements(pyproject: str, lock: str, environment: str) -> list[str]:
    """Give, in words, what one of the three files says and another does not."""
    asked, locked, conda = asked_for(pyproject), versions(lock), pins(environment)
    faults = [f"{name} is in environment.yml, not in pyproject.toml" for name in sorted(set(conda) - set(asked))]
    for name, requirement in asked.items():
        if name not in locked:
            faults.append(f"{name} is in pyproject.toml, not in the lock")
        elif not any(requirement.specifier.contains(version) for version in locked[name]):
            faults.append(f"{name}: pyproject.toml asks for {requirement.specifier}, the lock has {locked[name]}")
        if conda.get(name) not in locked.get(name, ()):
            faults.append(f"{name}: environment.yml has {conda.get(name)}, the lock {locked.get(name)}")
    return faults


def asked_for(pyproject: str) -> dict[str, Requirement]:
    project = tomllib.loads(pyproject)["project"]
    lines = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    return {canonicalize_name(one.name): one for one in map(Requirement, lines)}


def versions(lock: str) -> dict[str, list[str]]:
    """Give the versions the lock holds of each package: more than one where they depend on Python or the platform."""
    found: dict[str, list[str]] = {}
    for name, version in re.findall(r"^([\w.-]+)==([^\s;]+)", lock, flags=re.MULTILINE):
        found.setdefault(canonicalize_name(name), []).append(version)
    return found


def pins(environment: str) -> dict[str, str]:
    """Give name and version of environment.yml's packages, conda's and pip's; Python, pip and the project left aside."""
    listed = yaml.safe_load(environment)["dependencies"]
    lines = [line for line in listed if isinstance(line, str) and not re.match(r"(python|pip)(=|$)", line)]
    lines += [line for entry in listed if isinstance(entry, dict) for line in entry["pip"] if line != "-e ."]
    pairs = [re.split(r"=+", line, maxsplit=1) for line in lines]
    return {OTHER_NAMES.get(name, name): version for name, version in pairs}


def texts(project: Path) -> tuple[str, str, str]:
    names = ("pyproject.toml", "requirements/lock.txt", "environment.yml")
    pyproject, lock, environment = ((project / name).read_text("utf-8") for name in names)
    return pyproject, lock, environment
