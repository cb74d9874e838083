"""A disk that fails when told to, for a server of a test's own: orders to faulty_disk.cc, which is preloaded into it."""
from __future__ import annotations

import os

from proctord import Proctord


class FaultyDisk:
    """Below the server's data directory. $FAULTY_DISK names the library; made before the server is started."""

    def __init__(self, server: Proctord):
        self._orders = server.folder / "orders"
        self.order("none")
        # At a path without spaces: the loader takes them for the end of a name.
        library = server.folder / "faulty_disk.so"
        library.symlink_to(os.environ["FAULTY_DISK"])
        server.environment |= {"LD_PRELOAD": str(library), "FAULTY_DISK_BELOW": str(server.data),
                               "FAULTY_DISK_ORDERS": str(self._orders)}

    def order(self, word: str) -> None:
        """"none", "write", "sync" or "full". Replaced in one go: the server never reads half of it."""
        new = self._orders.with_suffix(".new")
        new.write_text(word)
        new.replace(self._orders)

    def failures(self) -> int:
        """Calls that failed so far."""
        count = self._orders.with_suffix(".count")
        return count.stat().st_size if count.exists() else 0
