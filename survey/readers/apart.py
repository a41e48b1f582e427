"""What processes share that read one file, because the library that reads it can be made to take all memory or to end them."""

from __future__ import annotations

import sys
from pathlib import Path

_PAGES = Path("/proc/self/statm")  # the process's size in pages, where the system tells it


def limit_memory(more: int) -> None:
    """Let this process take so many bytes more than it has, and no more than it was allowed anyhow; nothing on Windows."""
    if sys.platform == "win32":
        return
    import resource

    has = int(_PAGES.read_text().split()[0]) * resource.getpagesize() if _PAGES.exists() else 0
    _, most = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (has + more if most < 0 else min(has + more, most), most))
