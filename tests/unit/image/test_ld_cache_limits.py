"""A cache of libraries that is made to cost time does not."""

import struct
import time
from pathlib import Path

from hpcrun.image.folder import FolderNode
from hpcrun.image.ld_cache import read_ld_cache

N = 60_000
SECONDS_MAX = 10.0
"""Where each entry copied those before it, it took more than 30."""


def test_many_entries_of_one_name_are_read_at_once(tmp_path: Path) -> None:
    text = 48 + N * 24
    entry = struct.pack("<iIIIQ", 0, text, text, 0, 0)
    head = b"glibc-ld.so.cache1.1" + struct.pack("<II", N, 0) + b"\2" + b"\0" * 19
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "ld.so.cache").write_bytes(head + entry * N + b"libm.so.6\0")
    start = time.process_time()
    found = read_ld_cache(FolderNode(tmp_path))
    assert time.process_time() - start < SECONDS_MAX
    assert found is not None
    assert len(found["libm.so.6"]) == N
