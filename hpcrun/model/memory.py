"""What keeps facts read earlier: a promise that adapters fulfil; keeps nothing itself."""

from typing import Protocol


class Memory(Protocol):
    """Keeps small contents by a key; may forget any, at any time."""

    def recall(self, key: str) -> bytes | None:
        """Return what was kept; None where nothing sound is."""

    def keep(self, key: str, content: bytes) -> None:
        """Keep a content, if there is room."""

    def is_settled(self, changed_ns: int) -> bool:
        """Whether a file changed so long ago that a change from now on will show in its dates."""
