"""MPI wheels laid out as the prefix of an installation."""

import zipfile
from pathlib import Path

from hpcrun.errors import UnavailableError, WriteError
from hpcrun.sandbox.wheels import explain_failure, platform_tags, unpack_data


def write_wheel(file: Path, members: dict[str, bytes]) -> None:
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def test_data_of_a_wheel_becomes_an_installation(tmp_path: Path) -> None:
    wheel, prefix = tmp_path / "x-1-py3-none-any.whl", tmp_path / "x-1"
    write_wheel(
        wheel,
        {
            "x-1.data/data/bin/mpirun": b"#!/bin/sh\n",
            "x-1.data/data/lib/libmpi.so": b"INPUT(libmpi.so.40)\n",
            "x-1.data/data/lib/libmpi.so.40": b"\x7fELF",
            "x-1.data/data/../../evil": b"no",
            "x-1.data/scripts/other": b"no",
            "x-1.dist-info/METADATA": b"no",
        },
    )
    unpack_data(wheel, prefix)
    found = sorted(str(f.relative_to(prefix)) for f in prefix.rglob("*") if not f.is_dir())
    assert found == ["bin/mpirun", "lib/libmpi.so", "lib/libmpi.so.40"]
    assert (prefix / "bin/mpirun").stat().st_mode & 0o777 == 0o755
    assert (prefix / "lib/libmpi.so.40").stat().st_mode & 0o777 == 0o644
    assert (prefix / "lib/libmpi.so").readlink() == Path("libmpi.so.40")
    assert not (tmp_path / "evil").exists()


def test_platforms_end_at_the_glibc_of_the_nodes() -> None:
    tags = platform_tags("2.41")
    assert tags[0].startswith("manylinux_2_41_")
    assert any(tag.startswith("manylinux_2_17_") for tag in tags)
    assert tags[-1].startswith("manylinux2014_")


def test_failure_of_pip_is_told_by_its_cause() -> None:
    full = explain_failure(["ERROR: Could not install: [Errno 28] No space left on device"])
    assert isinstance(full, WriteError)
    away = explain_failure(["WARNING: Retrying", "ERROR: No matching distribution found for x"])
    assert isinstance(away, UnavailableError)
    assert "pip said: ERROR: No matching distribution found for x" in away.help


def test_other_file_than_the_known_one_is_told_as_such() -> None:
    told = explain_failure(
        [
            "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE. If you have",
            "    mpich==4.3.2 from https://example.org/mpich.whl",
            "        Expected sha256 00",
            "             Got        11",
        ]
    )
    assert "not the file that hpcrun knows" in told.message
    assert told.help[-1] == "pip said: Got        11"
