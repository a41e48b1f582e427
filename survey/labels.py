"""Names for readers, in both languages, of everything that a study's results can mention."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pandas as pd

from survey.instrument import Item
from survey.schema import Text
from survey.study import Study

Row = tuple[str, str, str, str]


def label_table(study: Study, forms: Mapping[str, Item], group_codes: Iterable[str]) -> pd.DataFrame:
    """Give ``kind, code, en, zh``: study, wave, group, region, item, scale, service, code (``item=code``), word."""
    rows: list[Row] = [("study", "title", study.settings.title.en, study.settings.title.zh)]
    if study.settings.about:
        rows.append(("study", "about", study.settings.about.en, study.settings.about.zh))
    rows += [
        _row("word", word, getattr(study.settings.words, word)) for word in ("group", "groups", "member", "members")
    ]
    rows += [_wave_row(w.name, w.settings.title) for w in study.wave_list]
    rows += _group_rows(study, group_codes)
    places = study.places.sort_values("valid_from", kind="stable").drop_duplicates("code", keep="last").sort_index()
    rows += [("region", *row) for row in places[["code", "en", "zh"]].itertuples(index=False, name=None)]
    rows += [_row("scale", name, scale.title) for name, scale in study.settings.scales.items()]
    rows += [_row("service", name, service.title) for name, service in study.settings.services.items()]
    for name, item in forms.items():
        rows.append(_row("item", name, item.wording))
        rows += [_row("code", f"{name}={c}", text) for c, text in (item.codes.codes if item.codes else {}).items()]
    return pd.DataFrame(rows, columns=["kind", "code", "en", "zh"])


def _row(kind: str, code: str, text: Text) -> Row:
    return kind, code, text.en, text.zh


def _wave_row(name: str, title: Text | None) -> Row:
    return ("wave", name, title.en if title else name, title.zh if title else name)


def _group_rows(study: Study, codes: Iterable[str]) -> list[Row]:
    pattern = study.settings.groups.any if study.settings.groups else None
    if pattern is None:
        return [("group", *row) for row in study.groups[["code", "en", "zh"]].itertuples(index=False, name=None)]
    return [("group", c, pattern.en.replace("{code}", c), pattern.zh.replace("{code}", c)) for c in sorted(set(codes))]
