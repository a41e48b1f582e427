"""Where the memory does not suffice: said in plain words, as any other fault of what one asks for."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import sys
from collections.abc import Iterator

import duckdb
import pyarrow as pa

from survey.faults import Fault, Refused

_OF_MEMORY = ("can't start new thread", "cannot allocate memory", "failed to map", "failed to launch worker thread")


@contextlib.contextmanager
def enough_memory(what: str) -> Iterator[None]:
    """Say in words that something needs more memory than there is; what was stored before stays as it was.

    Parameters
    ----------
    what : str
        Name of the study or file, for the message.

    Raises
    ------
    survey.Refused
        In place of what numpy, pyarrow, the engine or the operating system raise for it.
    """
    try:
        yield
    except (MemoryError, duckdb.OutOfMemoryException):
        pass
    except OSError as error:
        if error.errno != errno.ENOMEM:
            raise
    except (RuntimeError, ImportError, pa.ArrowException) as error:
        if not _is_of_memory(error):
            raise
    else:
        return
    raise Refused([_fault(what)])


def hand_back() -> None:
    """Give the system the memory that libraries keep for later; between two steps that each take much, in one process."""
    pa.default_memory_pool().release_unused()
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):  # other C libraries have no such function
            ctypes.CDLL(None).malloc_trim(0)


def _is_of_memory(error: Exception) -> bool:
    """A thread that could not start, a library that could not be laid into the memory: they have no kind of their own."""
    said = str(error).lower()
    return any(part in said for part in _OF_MEMORY)


def _fault(what: str) -> Fault:
    return Fault(
        what,
        0,
        "the memory does not suffice for this study: its panel was not stored, what was stored before is as it was. Close other "
        "programs, raise the limit on memory, or run on a larger machine",
        "内存不足，无法处理本研究：没有保存面板，原有内容保持不变。请关闭其他程序、提高内存上限，或换用更大的机器",
    )
