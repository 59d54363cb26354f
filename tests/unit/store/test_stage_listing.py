"""What a site says that its folders hold: no name leads elsewhere."""

import pytest

from hpcrun.errors import InputError, RefusedError
from hpcrun.model.staging import TreeFile
from hpcrun.store import stage_listing
from hpcrun.store.stage_listing import parse_listing, records_of

S = 10**9


def listing(*names: str, kind: str = "f") -> bytes:
    return b"".join(f"{kind} 1 7.5 {name}\0".encode() for name in names)


def test_listing_is_read_whatever_names_hold() -> None:
    listing = b"f 3 7.5000000000 a b\nc\0l 4 8.0 link\0d 0 9.0 folder\0f 1 9.0 \xff\0cut off"
    assert parse_listing(listing) == (
        TreeFile(path="a b\nc", size=3, mtime_ns=7 * S + S // 2),
        TreeFile(path="link", size=4, mtime_ns=8 * S, kind="link"),
    )


@pytest.mark.parametrize(
    "name",
    ["../x", "a/../../x", "a/..", "..", "/etc/passwd", "a//b", "a/./b", "", "a/", "x" * 5000],
)
def test_name_that_leads_elsewhere_is_refused(name: str) -> None:
    with pytest.raises(InputError, match="leads elsewhere"):
        parse_listing(listing(name))


@pytest.mark.parametrize("kind", ["f", "l"])
def test_name_through_a_link_or_file_is_refused(kind: str) -> None:
    with pytest.raises(InputError, match="leads elsewhere"):
        parse_listing(listing("a", kind=kind) + listing("a/b"))


def test_same_name_twice_is_refused() -> None:
    with pytest.raises(InputError, match="twice"):
        parse_listing(listing("a", "a"))


@pytest.mark.parametrize(
    "said",
    [b"f\0", b"f x 7.5 a\0", b"f 1 x a\0", b"f 1 7.x a\0", b"f 1 " + b"9" * 5000 + b" a\0"],
)
def test_listing_that_is_none_is_refused(said: bytes) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        parse_listing(said)


def test_too_long_a_listing_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage_listing, "MAX_LISTED", 2)
    with pytest.raises(RefusedError, match="more than 2 files"):
        parse_listing(listing("a", "b", "c"))


def test_records_are_the_jobs_own_and_its_output() -> None:
    found = parse_listing(
        listing("start.json", "final.json", "run.json", "sent.json", "logs/a.out", "logs2/a")
    )
    assert [file.path for file in records_of(found)] == ["start.json", "final.json", "logs/a.out"]


@pytest.mark.parametrize("name", ["start.json/x", "logs/a/b", "logs"])
def test_what_only_looks_like_a_record_stays_there(name: str) -> None:
    assert records_of(parse_listing(listing(name))) == ()


def test_huge_record_stays_there_and_huge_output_is_refused() -> None:
    assert records_of([TreeFile(path="final.json", size=1 << 21, mtime_ns=0)]) == ()
    with pytest.raises(RefusedError, match="GiB of output"):
        records_of([TreeFile(path="logs/a.out", size=11 << 30, mtime_ns=0)])
