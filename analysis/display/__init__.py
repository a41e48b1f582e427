"""Labels, tables, figures, sentences: formats and draws what disclosure let through; computes and rounds nothing."""

from __future__ import annotations

from analysis.display.findings import Finding
from analysis.display.output import Output
from analysis.display.show import Show
from analysis.display.words import LANGUAGES, page_words, say

__all__ = ["LANGUAGES", "Finding", "Output", "Show", "page_words", "say"]
