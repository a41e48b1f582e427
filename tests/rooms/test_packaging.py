"""What is installed can do what the folder can: every file beside the code is in the wheel, and is found there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOMS = ("survey", "analysis", "reports")
BUILD = "import sys; from setuptools import build_meta; build_meta.build_wheel(sys.argv[1])"
LOOK = """
from pathlib import Path
from survey.places import table
from survey.places_changes import changes
from survey.schema import Places
here = Places(under="100000")
print(len(table(Path(), here)), len(changes(Path(), here)))
"""


@pytest.fixture(scope="module")
def wheel(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel from a copy, without network."""
    copy, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for room in ROOMS:
        unwanted = shutil.ignore_patterns("__pycache__", "out", "lab")
        shutil.copytree(project / room, copy / room, ignore=unwanted)
    for file in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copyfile(project / file, copy / file)
    subprocess.run([sys.executable, "-c", BUILD, str(out)], cwd=copy, check=True, capture_output=True)
    return next(out.glob("*.whl"))


def test_files_beside_the_code_are_in_the_wheel(project: Path, wheel: Path) -> None:
    wanted = {
        path.relative_to(project).as_posix()
        for room in ROOMS
        for path in (project / room).rglob("*")
        if path.suffix in (".csv", ".j2", ".css") and "out" not in path.parts
    }
    assert {"survey/places.csv", "survey/places_changes.csv"} <= wanted
    assert wanted <= set(zipfile.ZipFile(wheel).namelist())


def test_an_installed_package_finds_its_places(project: Path, wheel: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    ran = subprocess.run(
        [sys.executable, "-P", "-c", LOOK],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(tmp_path / "site")},
        capture_output=True,
        text=True,
        check=True,
    )
    lines = [(project / "survey" / f"places{part}.csv").read_text("utf-8").count("\n") - 1 for part in ("", "_changes")]
    assert ran.stdout.split() == [str(n) for n in lines]
