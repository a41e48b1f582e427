"""What a synthetic study is made from: the template's files and its truth, read once into one frozen object.

Also the random streams: each step asks for the stream of its own name, so that steps do not disturb each other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

DEMO = Path(__file__).resolve().parents[2] / "data" / "raw" / "demo"
PLACES = Path(__file__).resolve().parents[1] / "places.csv"


@dataclass(frozen=True, slots=True)
class Item:
    """One item in the form of one version of the instrument."""

    name: str
    """The item's name."""
    module: str
    """Module of the questionnaire."""
    wording: Mapping[str, str]
    """Wording by language."""
    kind: str
    """choice, multiple, number, text or region."""
    codes: tuple[str, ...]
    """Codes in order; empty where the kind has none."""
    labels: Mapping[str, Mapping[str, str]]
    """Label of each code by language: ``labels["zh"]["5"]``; under ``also`` its other spelling; empty without a code set."""
    missing: tuple[str, ...]
    """Codes that count as not answered."""
    scale: str
    """The scale it belongs to, or empty."""
    reverse: bool
    """Whether a high code means little of the trait."""


@dataclass(frozen=True, slots=True)
class Template:
    """Everything that the simulation knows: the truth, the instrument, the groups and the places."""

    folder: Path
    """The template's folder."""
    truth: Mapping[str, Any]
    """truth.yaml, with what the caller laid over it."""
    study: Mapping[str, Any]
    """study.yaml as read."""
    rows: pd.DataFrame
    """instrument.csv as text, one row an item and version."""
    groups: pd.DataFrame
    """code, name_en, name_zh, in the order of groups.csv."""
    places: pd.DataFrame
    """Places valid on the first wave's first day: code, parent, level, name_en, name_zh."""
    asked: Mapping[str, tuple[Item, ...]]
    """Items of each version of the instrument, in the order of the instrument."""

    def stream(self, *name: str) -> np.random.Generator:
        """Give the random stream of a step: the seed and the letters of the step's name, no hash."""
        return np.random.default_rng(np.random.SeedSequence([int(self.truth["seed"]), *"/".join(name).encode()]))

    def items(self, wave: str) -> tuple[Item, ...]:
        """Give the items asked in a wave, in the order of the instrument."""
        return self.asked[str(self.truth["waves"][wave]["instrument"])]

    @property
    def waves(self) -> list[str]:
        """Names of the waves, in order."""
        return sorted(self.truth["waves"])

    @property
    def scales(self) -> list[str]:
        """Names of the scales that the truth describes, in its order."""
        return list(self.truth["scales"])

    @property
    def regions(self) -> pd.DataFrame:
        """Finest places: code, county (itself or its parent) and city, one row a place, ordered by code."""
        parent = dict(zip(self.places["code"], self.places["parent"], strict=True))
        level = dict(zip(self.places["code"], self.places["level"], strict=True))
        finest = sorted(set(parent) - set(parent.values()))
        county = [parent[code] if level[parent[code]] == "county" else code for code in finest]
        return pd.DataFrame({"code": finest, "county": county, "city": [parent[code] for code in county]})


def read_template(
    folder: str | Path | None = None,
    *,
    truth: Mapping[str, Any] | str | Path | None = None,
    seed: int | None = None,
) -> Template:
    """Read a template folder and lay a caller's truth and seed over its own.

    Raises
    ------
    ValueError
        When the truth names scales, items, groups or services that the other files do not have.
    """
    home = Path(folder) if folder is not None else DEMO
    merged = _laid_over(_yaml(home / "truth.yaml"), _given(truth))
    if seed is not None:
        merged["seed"] = seed
    study = _yaml(home / "study.yaml")
    first = min(wave["start"] for wave in merged["waves"].values())
    rows, groups = _csv(home / "instrument.csv"), _csv(home / "groups.csv")
    versions = {str(wave["instrument"]) for wave in merged["waves"].values()}
    asked = {version: _asked(rows, version, study["code_sets"]) for version in sorted(versions)}
    plan = Template(home, merged, study, rows, groups, _places(home, study, first), asked)
    _check_names(plan)
    return plan


def _given(truth: Mapping[str, Any] | str | Path | None) -> Mapping[str, Any]:
    if truth is None:
        return {}
    return truth if isinstance(truth, Mapping) else _yaml(Path(truth))


def _yaml(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return content


def _csv(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, dtype=str, keep_default_na=False)


def _laid_over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        old = merged.get(key)
        both = isinstance(old, Mapping) and isinstance(value, Mapping)
        merged[key] = _laid_over(old, value) if both else value  # type: ignore[arg-type]
    return merged


def _places(home: Path, study: Mapping[str, Any], day: str) -> pd.DataFrame:
    """Places of the workbench's table below one place, valid on a day, and those that the template adds."""
    table = _csv(PLACES)
    table = table[(table["valid_from"] <= day) & ((table["valid_to"] == "") | (table["valid_to"] > day))]
    top = study["places"]["under"]
    kept = {top}
    for _ in range(len(set(table["level"]))):
        kept |= set(table.loc[table["parent"].isin(kept), "code"])
    own = [_csv(home / study["places"]["file"])] if "file" in study["places"] else []
    return pd.concat([table[table["code"].isin(kept)], *own], ignore_index=True)


def _asked(rows: pd.DataFrame, version: str, code_sets: Mapping[str, Any]) -> tuple[Item, ...]:
    asked = [not listed or version in listed.split() for listed in rows["version"]]
    return tuple(_item(row, code_sets) for _, row in rows[asked].iterrows())


def _item(row: pd.Series, code_sets: Mapping[str, Any]) -> Item:
    known = code_sets.get(row["codes"], {"codes": {}})
    low, dots, high = row["codes"].partition("..")
    codes = [str(code) for code in range(int(low), int(high) + 1)] if dots else list(known["codes"])
    labels = {language: {code: text[language] for code, text in known["codes"].items()} for language in ("en", "zh")}
    labels["also"] = {code: text["also"][0] for code, text in known["codes"].items() if "also" in text}
    return Item(
        row["item"], row["module"], {"en": row["wording_en"], "zh": row["wording_zh"]}, row["kind"], tuple(codes),
        labels, tuple(known.get("missing", ())), row["scale"], row["reverse"] == "yes",
    )  # fmt: skip


def _check_names(plan: Template) -> None:
    truth = plan.truth
    _check("scales", truth["scales"], plan.study["scales"])
    _check("items", truth["items"]["by_item"], set(plan.rows["item"]))
    _check("services", truth["services"], plan.study["services"])
    _check("background", truth["background"], set(plan.rows["item"]))
    _check("groups", truth["groups"], set(plan.groups["code"]))
    _check("files", truth["files"], truth["waves"])


def _check(section: str, named: Any, known: Any) -> None:
    strange = sorted(set(named) - set(known))
    if strange:
        raise ValueError(f"truth: {section} names {', '.join(strange)}, which the template does not have")
