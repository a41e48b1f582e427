"""How alike headings and questions are, in Chinese, English or mixed, without what a platform puts around them.

A text is taken without its numbering (``7、``, ``Q7.``, ``第7题``, ``[SQ001]``) and marks (``[单选题]``, ``*``), cut into
pieces, and two texts are compared by the pieces that they share. Pieces are single Chinese signs and neighbouring pairs of them
(Chinese has no blanks), Latin words and their triples of letters. A piece that stands in many of the texts weighs little (inverse
document frequency, Spärck Jones 1972): of twenty questions that begin "Do you need", what differs decides.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.sparse import csr_array

from survey.readers.raw import RawTable
from survey.study import Study, Wave

EXACT, NEARLY = 1.0, 0.99
BEGINNING = 0.9  # one text is the other's beginning: platforms cut long questions off
SHORTEST_BEGINNING = 8
OTHER_NUMBERS = 0.7  # of two texts with other numbers in them: item 1 is not item 2
LEAST_GUESS = 0.3  # less alike is no guess
LONGEST = 2000  # signs of a text that are looked at
_NUMBERING = re.compile(
    r"\s*(?:第\s?\d+\s?题|[qQ]\s?\d+(?:[._-]\d+)*(?![A-Za-z0-9])|\d+(?:[._-]\d+)*(?=\s?[、.:)\]]))[\s、.:)\]_-]*"
)
_SUB_QUESTION = re.compile(r"\[(?:SQ|sq)?\d+\]")
_KINDS = "单选|多选|填空|矩阵|量表|排序|打分|必填|必答|选填|自动|可多选|required|optional|single choice|multiple choice"
_MARK = re.compile(rf"[\[(【](?:{_KINDS})[^\])】]{{0,20}}[\])】]|(?<!\*)\*+$")
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")
_RUN = re.compile(r"[a-z0-9]+|[^\W\d_a-z]+")
_LATIN = re.compile(r"[a-z0-9]+")
_NUMBER = re.compile(r"\d+")
_SPLIT = re.compile(r"\s[-–—]\s|—|[:：]")


def bare(text: str) -> str:
    """Give a text as it is compared: half-width, small letters, without numbering and marks, words by single blanks.

    Examples
    --------
    >>> bare("7、您满意吗？[单选题]"), bare("Q7. memberNo"), bare("Q7")
    ('您满意吗', 'member no', '')
    """
    text = _SUB_QUESTION.sub(" ", unicodedata.normalize("NFKC", text[:LONGEST]))
    numbering = _NUMBERING.match(text)
    text = _MARK.sub(" ", text[numbering.end() :] if numbering else text)
    return " ".join(_RUN.findall(_HUMP.sub(" ", text).casefold()))


def parts(heading: str) -> tuple[str, str]:
    """Give a heading's stem and last part (``7、stem—item``, ``stem [option]``, ``6(option)``, ``stem: option``).

    A heading that has no such part is its own stem.
    """
    text = unicodedata.normalize("NFKC", heading[:LONGEST]).strip()
    numbering = _NUMBERING.match(text)
    start = numbering.end() if numbering else 0
    opening = _opening(text)
    if opening is not None:
        return text[:opening].strip(), text[opening + 1 : -1].strip()
    cuts = [cut for cut in _SPLIT.finditer(text) if cut.start() >= start]
    return (text[: cuts[-1].start()].strip(), text[cuts[-1].end() :].strip()) if cuts else (text, "")


def _opening(text: str) -> int | None:
    """Where the bracket opens that closes at the text's end."""
    depth = 0
    pairs = {")": "(", "]": "["}
    if not text or text[-1] not in pairs:
        return None
    for n in range(len(text) - 1, -1, -1):
        depth += (text[n] == text[-1]) - (text[n] == pairs[text[-1]])
        if not depth:
            return n
    return None


def alike(left: Sequence[str], right: Sequence[str]) -> np.ndarray:
    """How alike two lists of texts are, each with each.

    Parameters
    ----------
    left, right : sequence of str

    Returns
    -------
    array of float, (left, right)
        1 where the two are equal when bare, else at most 0.99: twice the weight of the pieces that both have over the sum of both
        weights (Dice's coefficient; weight of a piece = ln((texts + 1) / (texts with it + 0.5))), and at least 0.9 where one is the
        beginning of the other. 0 where a text is nothing but numbering.

    Examples
    --------
    >>> alike(["3. 您满意吗？"], ["您满意吗", "您在哪里"]).round(1).tolist()
    [[1.0, 0.0]]
    """
    texts = [[bare(text) for text in side] for side in (left, right)]
    if not left or not right:
        return np.zeros((len(left), len(right)))
    pieces = {text: _pieces(text) for text in {*texts[0], *texts[1]} if text}
    weights = _weights(pieces.values())
    tables = [_table([pieces.get(text, frozenset()) for text in side], weights) for side in texts]
    own = [np.asarray(t.power(2).sum(axis=1)).ravel() for t in tables]
    shared = np.asarray((tables[0] @ tables[1].T).todense())
    both = own[0][:, None] + own[1][None, :]
    found = np.minimum(np.divide(2 * shared, both, out=np.zeros_like(shared), where=both > 0), NEARLY)
    return _with_equals(found, texts[0], texts[1])


def _pieces(text: str) -> frozenset[str]:
    found: set[str] = set()
    for run in _RUN.findall(text):
        if _LATIN.fullmatch(run):
            found |= {f"{run} ", *(run[n : n + 3] for n in range(len(run) - 2))}
        else:
            found |= {*run, *(run[n : n + 2] for n in range(len(run) - 1))}
    return frozenset(found)


def _weights(texts: Collection[Iterable[str]]) -> dict[str, tuple[int, float]]:
    """Place and weight of each piece."""
    counts = Counter(piece for pieces in texts for piece in pieces)
    return {p: (n, float(np.log((len(texts) + 1) / (counts[p] + 0.5)))) for n, p in enumerate(sorted(counts))}


def _table(texts: Sequence[Iterable[str]], weights: Mapping[str, tuple[int, float]]) -> csr_array:
    """A row a text, a column a piece: the root of its weight, so that products of rows add the weights up."""
    rows = [n for n, pieces in enumerate(texts) for _ in pieces]
    found = [weights[piece] for pieces in texts for piece in pieces]
    values = [max(weight, 0.05) ** 0.5 for _, weight in found]
    return csr_array((values, (rows, [place for place, _ in found])), shape=(len(texts), max(len(weights), 1)))


def _with_equals(found: np.ndarray, left: list[str], right: list[str]) -> np.ndarray:
    for n, m in np.argwhere(found > 0):
        short, long = sorted((left[n], right[m]), key=len)
        if _NUMBER.findall(short) != _NUMBER.findall(long):
            found[n, m] *= OTHER_NUMBERS
        elif long.replace(" ", "") == short.replace(" ", ""):
            found[n, m] = EXACT
        elif len(short) >= SHORTEST_BEGINNING and long.startswith(short):
            found[n, m] = max(found[n, m], BEGINNING)
    return found


def best(left: Sequence[Sequence[str]], right: Sequence[Sequence[str]]) -> np.ndarray:
    """How alike two lists of groups of texts are: the likest two texts of each two groups; groups may be empty."""
    if not left or not right:
        return np.zeros((len(left), len(right)))
    sides = [[tuple(group) or ("",) for group in side] for side in (left, right)]
    table = alike(*([text for group in side for text in group] for side in sides))
    for axis, side in enumerate(sides):
        starts = np.cumsum([0, *(len(group) for group in side[:-1])])
        table = np.maximum.reduceat(table, starts, axis=axis)
    return table


def guesses(
    lacking: Mapping[str, str], there: RawTable | Sequence[str], study: Study, wave: Wave
) -> dict[str, tuple[str, float]]:
    """Guess, for headers that wave.yaml maps and that are not in a file, how they are called now.

    Parameters
    ----------
    lacking : mapping
        Header that is absent: its target (a role, an item, ``item=code``).
    there : RawTable or sequence of str
        The file, or its column names.
    study : Study
    wave : Wave
        Its other mapped headers are no candidates.

    Returns
    -------
    dict
        By header: the likeliest name in the file and how alike they are (0 to 1), the better of the name's likeness to the old
        header and to the item's name and wordings; each name is guessed once. Headers for which nothing is alike are left out.
    """
    taken = {header for entry in wave.settings.files for header in entry.columns}
    wording = there.wording if isinstance(there, RawTable) else {}
    names = [name for name in _names(there) if name not in taken]
    old = list(lacking)
    texts = [(header, *_asked(study, wave, lacking[header])) for header in old]
    scores = best(texts, [tuple(t for t in (name, wording.get(name, "")) if t) for name in names])
    pairs = zip(*linear_sum_assignment(scores, maximize=True), strict=True)
    return {old[i]: (names[j], round(float(scores[i, j]), 2)) for i, j in pairs if scores[i, j] >= LEAST_GUESS}


def _names(there: RawTable | Sequence[str]) -> list[str]:
    return there.columns if isinstance(there, RawTable) else list(there)


def _asked(study: Study, wave: Wave, target: str) -> tuple[str, ...]:
    """Name and wordings of what a header is mapped to."""
    name, _, code = target.partition("=")
    forms = [item for item in study.items if item.name == name and item.asked_in(wave.settings.instrument)]
    labels = [item.codes.codes[code] for item in forms if item.codes and code in item.codes.codes]
    texts = [text for item in forms for text in (item.wording.en, item.wording.zh)]
    if code:
        return (target, *(f"{text} {label}" for text in texts for one in labels for label in (one.en, one.zh)))
    return (target, *texts)
