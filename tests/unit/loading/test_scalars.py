import pytest

from hpcrun.loading.scalars import (
    Kind,
    is_faithful_number,
    is_old_bool,
    kind_of,
    number_doubt,
    text_doubt,
)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("", "null"),
        ("~", "null"),
        ("Null", "null"),
        ("true", "bool"),
        ("FALSE", "bool"),
        ("yes", "text"),
        ("0", "number"),
        ("-1", "number"),
        ("+1", "number"),
        ("010", "number"),
        ("0o10", "number"),
        ("0xFF", "number"),
        (".5", "number"),
        ("5.", "number"),
        ("1e3", "number"),
        (".inf", "number"),
        (".NaN", "number"),
        ("1_000", "text"),
        ("12:30:00", "text"),
        ("2026-11-20", "text"),
        ("24.11.5", "text"),
        ("0b1", "text"),
    ],
)
def test_kind_of_plain_scalar_is_that_of_yaml_1_2(text: str, kind: Kind) -> None:
    assert kind == kind_of(text)


@pytest.mark.parametrize(
    "text",
    ["010", "0o10", "0x10", "0b1", "1_000", "1_0.5", "+1", ".5", "5.", "1e999", "-010", "08"],
)
def test_number_that_readers_differ_on_is_doubtful(text: str) -> None:
    assert number_doubt(text) is not None


@pytest.mark.parametrize(
    "text", ["0", "10", "-1", "0.5", "1e3", "text", ".inf", ".nan", "12:30:00"]
)
def test_number_that_all_readers_agree_on_is_not(text: str) -> None:
    assert number_doubt(text) is None


@pytest.mark.parametrize(
    "text", ["true", "False", "1", "24.10", "1e3", "2026-11-20", "2026-1-2T10:00", "1_000", ".inf"]
)
def test_text_that_some_reader_takes_for_something_else_is_doubtful(text: str) -> None:
    assert text_doubt(text) is not None


@pytest.mark.parametrize(
    "text", ["yes", "No", "off", "12:30:00", "24.11.5", "main", "a1", "1a", "-", "--n", "2026-11"]
)
def test_text_that_yaml_1_2_reads_as_text_is_not(text: str) -> None:
    assert text_doubt(text) is None


@pytest.mark.parametrize("text", ["y", "N", "yes", "NO", "On", "off"])
def test_old_booleans_are_known(text: str) -> None:
    assert is_old_bool(text)


@pytest.mark.parametrize(
    ("text", "is_faithful"),
    [
        *(("0", True), ("-12", True), ("0.5", True), ("1.0", True), ("1e-07", True)),
        *(("-0", False), ("24.10", False), ("1e-3", False), ("1e999", False), ("+1", False)),
        *(("010", False), ("1_0", False), (".5", False), ("text", False)),
        ("123456789012345678901234567890", True),
    ],
)
def test_faithful_number_reads_back_as_written(text: str, is_faithful: bool) -> None:
    assert is_faithful is is_faithful_number(text)
