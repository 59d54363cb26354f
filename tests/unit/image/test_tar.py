"""The tar reader: what GNU tar and Python write comes back, and lies end in an image error."""

import tarfile

import pytest

from hpcrun.image import tar
from hpcrun.image.errors import ImageError
from hpcrun.image.layer_stream import PlainStream
from hpcrun.image.tar import Type, read_members
from tests.fakes.memory_file import opened
from tests.fakes.oci_builder import Entry, build_tar, hard_link
from tests.fakes.squashfs_builder import File, Link

ENTRIES: dict[str, Entry] = {
    "folder/": None,
    "folder/short": b"abc",
    "folder/tool": File(b"#!/bin/sh\n"),
    "n" * 300 + "/" + "m" * 200: b"long",
    "link": Link("t" * 400),
    "again": hard_link("folder/short"),
    "unicode-\u00e4": b"",
}


def members_of(content: bytes) -> list[tuple[str, Type, bytes, bytes]]:
    with opened(content) as file:
        stream = PlainStream(file)
        return [
            (each.name.decode().rstrip("/"), each.type, stream.read(each.size), each.target)
            for each in read_members(stream)
        ]


@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT], ids=["pax", "gnu"])
def test_members_come_back_as_they_went_in(form: int) -> None:
    assert members_of(build_tar(ENTRIES, form=form)) == [
        ("folder", Type.FOLDER, b"", b""),
        ("folder/short", Type.FILE, b"abc", b""),
        ("folder/tool", Type.FILE, b"#!/bin/sh\n", b""),
        ("n" * 300 + "/" + "m" * 200, Type.FILE, b"long", b""),
        ("link", Type.LINK, b"", b"t" * 400),
        ("again", Type.HARD_LINK, b"", b"folder/short"),
        ("unicode-\u00e4", Type.FILE, b"", b""),
    ]


def with_field(content: bytes, at: int, field: bytes) -> bytes:
    """Change a field of the first header and mend its checksum."""
    out = bytearray(content)
    out[at : at + len(field)] = field
    out[148:156] = b"        "
    out[148:156] = b"%06o\0 " % sum(out[:512])
    return bytes(out)


PLAIN = build_tar({"a": b"x" * 600})
LONG = build_tar({"n" * 200: b"x"}, form=tarfile.GNU_FORMAT)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"b" + PLAIN[1:], "checksum"),
        (PLAIN[:100], "cut off"),
        (PLAIN[:700], "cut off"),
        (with_field(PLAIN, 124, b"99999999999\0"), "not octal"),
        (with_field(PLAIN, 124, b"\xff" + b"\xff" * 11), "out of range"),
        (with_field(PLAIN, 124, b"\x80" + b"\x7f" * 11), "out of range"),
        (with_field(LONG, 124, b"77777777777\0"), "records"),
        (PLAIN[:1536] + bytes(512) + PLAIN, "single block of zeros"),
        (LONG[:1024] * 20, "headers for one member"),
    ],
)
def test_lying_archive_is_refused(content: bytes, said: str) -> None:
    with pytest.raises(ImageError, match=said):
        members_of(content)


@pytest.mark.parametrize(
    "records",
    [b"9999999 path=x\n", b"5 a\n", b"x path=y\n", b"0 path=x\n", b"12 size=99x\n"],
)
def test_damaged_pax_records_are_refused(records: bytes) -> None:
    header = with_field(build_tar({"a": records}), 156, b"x")
    with pytest.raises(ImageError, match="PAX"):
        members_of(header)


def test_size_in_pax_records_replaces_the_headers() -> None:
    content = with_field(build_tar({"a": b"12 size=700\n"}), 156, b"x")[:1024] + PLAIN
    # 700 bytes take as many blocks as 600 do.
    assert members_of(content)[0][2] == (b"x" * 600).ljust(700, b"\0")


def test_links_have_no_content_whatever_they_claim() -> None:
    link = with_field(build_tar({"a": Link("b")}), 124, b"00000001000\0")[:512]
    assert [name for name, *_ in members_of(link + PLAIN)] == ["a", "a"]


def test_name_beyond_the_bound_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tar, "NAME_MAX", 100)
    with pytest.raises(ImageError, match="a name of 200 bytes"):
        members_of(LONG)
