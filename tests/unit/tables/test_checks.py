"""What tables say, and what their own checks refuse."""

from typing import Any

import pytest
from pydantic import ValidationError

from hpcrun.model.image import Family
from hpcrun.tables import architectures, emulator, is_interpreter, mpi_abi, pmi, pmix
from hpcrun.tables.mpi_abi import MpiAbiTable
from hpcrun.tables.mpi_settings import mpi_settings
from hpcrun.tables.pmi import PmiTable, PmixTable
from hpcrun.tables.rules import RuleHelp
from hpcrun.tables.versions import VersionRange, version_key

NAMES = [
    ("x86_64", "amd64", 62, "02"),
    ("aarch64", "arm64", 183, "04"),
    ("ppc64le", "ppc64le", 21, "06"),
    ("riscv64", "riscv64", 243, "12"),
]


@pytest.mark.parametrize(("uname", "oci", "machine", "sif"), NAMES, ids=[n[0] for n in NAMES])
def test_architecture_is_found_by_each_of_its_names(
    uname: str, oci: str, machine: int, sif: str
) -> None:
    table = architectures()
    found = [
        table.by_uname(uname),
        table.by_oci(oci),
        table.by_elf(machine, 64, "little"),
        table.by_sif_code(sif),
    ]
    assert {row.uname for row in found if row} == {uname}
    assert None not in found
    assert (table.oci_of(uname), table.uname_of(oci)) == (oci, uname)


def test_architecture_without_row_keeps_its_name() -> None:
    assert architectures().oci_of("vax") == "vax"
    assert architectures().uname_of("vax") == "vax"
    assert architectures().by_elf(62, 32, "little") is None


VERSIONS = {
    "5.0.7": (5, 0, 7),
    "v4.1.8": (4, 1, 8),
    "5.0.11rc1": (5, 0, 11),
    "6.0.0~rc2": (6,),
    "4.0": (4,),
    "GLIBC_2.17": (2, 17),
    "2021.19": (2021, 19),
    "": (),
    "unknown": (),
}


@pytest.mark.parametrize(("text", "key"), VERSIONS.items(), ids=[v or "empty" for v in VERSIONS])
def test_version_key_is_its_leading_numbers(text: str, key: tuple[int, ...]) -> None:
    assert version_key(text) == key


def test_version_range_holds_its_beginning_and_not_its_end() -> None:
    held = VersionRange(since="3.2", before="6")
    assert [held.holds(v) for v in ("3.1.9", "3.2", "3.2.0", "5.9", "6", "6.0.1")] == [
        *(False, True, True),
        *(True, False, False),
    ]


def test_version_range_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(ValidationError):
        VersionRange(since="5", before="4.1")


def test_soname_12_belongs_to_two_families() -> None:
    assert mpi_abi().families_of("libmpi.so.12") == (Family.OPENMPI, Family.MPICH)
    assert mpi_abi().families_of("libmpi.so.0") == ()


def test_replacement_rows_have_both_directions_or_the_safe_one() -> None:
    for row in mpi_abi().replacements:
        others = [
            o for o in mpi_abi().replacements if (o.soname, o.family) == (row.soname, row.family)
        ]
        assert "forward" in {other.direction for other in others}


def without(table: Any, key: str, index: int) -> dict[str, Any]:
    values: dict[str, Any] = table.to_json()
    del values[key][index]
    return values


def test_abi_table_refuses_a_replacement_of_an_unknown_soname() -> None:
    with pytest.raises(ValidationError, match="without a row"):
        MpiAbiTable.model_validate(without(mpi_abi(), "sonames", -1))


def test_pmi_table_refuses_a_family_without_preference() -> None:
    with pytest.raises(ValidationError, match="preference"):
        PmiTable.model_validate(without(pmi(), "preferences", 0))


def test_pmi_table_refuses_a_family_without_outcome() -> None:
    with pytest.raises(ValidationError, match="outcome"):
        PmiTable.model_validate(without(pmi(), "unserved", -1))


def test_pmix_table_refuses_to_leave_pairs_open() -> None:
    with pytest.raises(ValidationError, match="last row"):
        PmixTable.model_validate(without(pmix(), "pairs", -1))


def test_help_with_an_unknown_word_is_refused() -> None:
    with pytest.raises(ValidationError, match="unknown words"):
        RuleHelp.model_validate({"role": "user", "confidence": "sure", "text": "ask {nobody}"})


def test_settings_set_each_variable_in_one_way() -> None:
    values: dict[str, set[str]] = {}
    for row in mpi_settings():
        values.setdefault(row.variable, set()).add(row.value)
    assert [name for name, found in values.items() if len(found) > 1] == []


@pytest.mark.parametrize("name", ["qemu-user", "qemu-aarch64-static", "QEMU"])
def test_emulator_is_known_by_the_names_that_handlers_have(name: str) -> None:
    row = emulator(name)
    assert row is not None
    assert row.id == "qemu-user"


@pytest.mark.parametrize("name", ["python3.13", "python", "bash", "sh", "env", "Rscript", "perl"])
def test_interpreter_is_known_by_name(name: str) -> None:
    assert is_interpreter(f"/usr/bin/{name}")


@pytest.mark.parametrize("name", ["hostname", "pythonista", "mrregister", "antsRegistration"])
def test_ordinary_program_is_no_interpreter(name: str) -> None:
    assert not is_interpreter(f"/usr/bin/{name}")
