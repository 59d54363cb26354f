import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hpcrun.errors import InputError
from hpcrun.units import (
    MEMORY_PATTERN,
    SLURM_DURATION_PATTERN,
    WORDY_DURATION_PATTERN,
    format_duration,
    format_slurm_duration,
    parse_duration_s,
    parse_memory_mib,
)

SETTINGS = settings(deadline=None, derandomize=True, database=None, max_examples=60)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 5400),
        ("10:30", 630),
        ("12:30:00", 45000),
        ("100:00:00", 360000),
        ("1-2", 93600),
        ("1-2:3", 93780),
        ("1-02:03:04", 93784),
        ("0-0:0:1", 1),
        ("90 min", 5400),
        ("90min", 5400),
        ("2 h", 7200),
        ("1.5 h", 5400),
        ("2 days", 172800),
        ("1 day", 86400),
        ("45 s", 45),
        ("1 h 30 min", 5400),
        ("1d2h3min4s", 93784),
        ("0.001 h", 4),
        ("0", 0),
    ],
)
def test_duration_in_any_form_gives_seconds(text: str, seconds: int) -> None:
    assert seconds == parse_duration_s(text)


@pytest.mark.parametrize(
    "text",
    ["", " ", "h", "-1", "1:2:3:4", "1-", "1-2:3:4:5", "1.5", "1,5 h", "2 weeks", "30 min 1 h",
     "99999999", "1e3", "UNLIMITED", "1:00:00 h", "٣", "9" * 10_000],
)  # fmt: skip
def test_duration_in_no_form_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        parse_duration_s(text)


@pytest.mark.parametrize(
    ("seconds", "slurm", "words"),
    [
        (0, "00:00:00", "0 s"),
        (59, "00:00:59", "59 s"),
        (5400, "01:30:00", "1 h 30 min"),
        (86399, "23:59:59", "23 h 59 min 59 s"),
        (93784, "1-02:03:04", "1 d 2 h 3 min 4 s"),
    ],
)
def test_format_duration_for_slurm_and_people(seconds: int, slurm: str, words: str) -> None:
    assert (slurm, words) == (format_slurm_duration(seconds), format_duration(seconds))


@SETTINGS
@given(st.integers(0, 2**30 // 2))
def test_duration_formatted_and_parsed_is_the_same(seconds: int) -> None:
    assert seconds == parse_duration_s(format_slurm_duration(seconds))
    assert seconds == parse_duration_s(format_duration(seconds))


@SETTINGS
@given(st.from_regex(f"({SLURM_DURATION_PATTERN}|{WORDY_DURATION_PATTERN})", fullmatch=True))
def test_duration_that_fits_the_pattern_is_read_and_stays_below_32_bits(text: str) -> None:
    if re.search("[0-9]", text):
        assert 0 <= parse_duration_s(text) < 2**31


@pytest.mark.parametrize(
    ("text", "mib"),
    [
        ("1", 1),
        ("512M", 512),
        ("4000 MB", 4000),
        ("4000 MiB", 4000),
        ("2 GiB", 2048),
        ("2G", 2048),
        ("1.5 GB", 1536),
        ("1T", 1048576),
        ("1K", 1),
        ("1025 KiB", 2),
        ("0.1M", 1),
    ],
)
def test_memory_in_any_form_gives_mib_rounded_up(text: str, mib: int) -> None:
    assert mib == parse_memory_mib(text)


@pytest.mark.parametrize(
    "text", ["", "G", "-1", "2 gigabytes", "2  G", "1e3", "2 g", "1P", "99999999"]
)
def test_memory_in_no_form_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        parse_memory_mib(text)


@SETTINGS
@given(st.from_regex(MEMORY_PATTERN, fullmatch=True))
def test_memory_that_fits_the_pattern_is_read(text: str) -> None:
    assert parse_memory_mib(text) >= 0
