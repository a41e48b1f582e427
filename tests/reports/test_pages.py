"""A chapter's outputs become a page: each language its own, a table's rows once, questions without data at the end."""

from __future__ import annotations

from typing import Any

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from analysis.disclosure import MIME
from reports.export import _csv
from reports.notebooks import Chapter
from reports.pages import NotReleased, page, refuse_unreleased

TITLE = {"en": "Who came?", "zh": "谁来了？"}


def shown(kind: str, language: str, text: str, **more: Any) -> Any:
    mark = {"kind": kind, "language": language, **more}
    return new_output("display_data", {MIME: mark, "text/plain": text, "text/html": f"<p>{text}</p>"})


def both(kind: str, text: str, **more: Any) -> Any:
    return new_code_cell(outputs=[shown(kind, language, f"{text} {language}", **more) for language in ("en", "zh")])


def question(en: str, zh: str) -> list[Any]:
    return [new_markdown_cell(text, metadata={"tags": [tag]}) for tag, text in (("en", en), ("zh", zh))]


def chapter(*cells: Any) -> Chapter:
    return Chapter("05-x", TITLE, (), False, new_notebook(cells=list(cells)))


def test_each_language_has_its_own_texts_and_outputs() -> None:
    made = chapter(*question("How many?", "多少？"), both("sentence", "said"))
    for language, text, other in (("en", "How many?", "多少"), ("zh", "多少？", "How")):
        found = page(made, language)
        whole = "\n".join(found.blocks)
        assert text in whole
        assert other not in whole
        assert found.title == TITLE[language]
        assert found.line == f"said {language}"
        assert found.blocks[-1] == f"<p>said {language}</p>"


def test_a_table_shown_in_parts_is_one_table_with_each_row_once() -> None:
    parts = [[["a", 1], ["b", 2]], [["b", 2], ["c", 3]]]
    made = chapter(*(both("table", "t", name="n", columns=["group", "estimate"], rows=rows) for rows in parts))
    expected = {"n": {"columns": ["group", "estimate"], "rows": [["a", 1], ["b", 2], ["c", 3]]}}
    assert page(made, "en").tables == page(made, "zh").tables == expected


def test_a_question_is_unanswered_only_where_nothing_at_all_was_shown() -> None:
    nothing = [both("nothing", "no data") for _ in range(3)]
    place = [*question("By place?", "各地？"), nothing[0], both("sentence", "said")]
    made = chapter(*place, *question("By group?", "各组织？"), *nothing[1:])
    blocks = page(made, "en").blocks
    assert "By place?" in blocks[0]
    assert [i for i, b in enumerate(blocks) if "By group?" in b] == [len(blocks) - 1]
    assert "By place?" not in blocks[-1]
    assert page(made, "en").line == "said en"


def test_one_output_without_the_mark_refuses_the_chapter_wherever_it_stands() -> None:
    refuse_unreleased(chapter(both("sentence", "said")))
    printed = new_output("stream", name="stdout", text="12")
    cell = both("sentence", "said")
    cell.outputs.append(printed)
    with pytest.raises(NotReleased, match=r"05-x, cell 2.*stream"):
        refuse_unreleased(chapter(both("sentence", "said"), cell))


def test_a_spreadsheet_takes_no_text_for_a_formula() -> None:
    rows = [["=1+1", -0.5], ["@x", None], ["a=b", 2.0]]
    assert _csv({"columns": ["group", "estimate"], "rows": rows}) == "group,estimate\n'=1+1,-0.5\n'@x,\na=b,2.0\n"
