"""What symbol versions tell of the glibc that a file needs or is."""

import pytest

from hpcrun.image.libc import highest_glibc

CASES = {
    ("GLIBC_2.2.5", "GLIBC_2.17", "GLIBC_2.9"): "2.17",
    # Files with packed relocations start under no older loader (`GLIBC_ABI_DT_RELR not found`).
    ("GLIBC_2.17", "GLIBC_ABI_DT_RELR"): "2.36",
    ("GLIBC_2.38", "GLIBC_ABI_DT_RELR"): "2.38",
    ("GLIBC_PRIVATE", "GLIBCXX_3.4.30"): None,
}


@pytest.mark.parametrize(("versions", "highest"), CASES.items(), ids=map(str, CASES))
def test_highest_glibc_among_symbol_versions(
    versions: tuple[str, ...], highest: str | None
) -> None:
    assert highest_glibc(versions) == highest
