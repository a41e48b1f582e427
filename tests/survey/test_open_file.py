"""What the first look at a file lets pass: how many values of a column may look like telephone numbers."""

from __future__ import annotations

from pathlib import Path

import pytest

from survey import Refused
from tests.survey.builders import answers


def test_a_fifth_of_the_values_may_look_like_phones_and_not_more(tmp_path: Path) -> None:
    said = ["138 0013 8000", "more halls", "shorter talks", "more music", "thank you"]
    rows = [{"id": f"m{n}", "q7": text} for n, text in enumerate(said)]
    assert len(answers(tmp_path / "a", rows).frame) == 5
    rows[1]["q7"] = "139 0013 9000"
    with pytest.raises(Refused, match=r"phone numbers.*: q7"):
        answers(tmp_path / "b", rows)
