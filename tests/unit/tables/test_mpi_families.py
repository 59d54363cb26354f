"""How MPI and PMIx libraries are recognised: file names decoded as their makers number them."""

import pytest

from hpcrun.model.image import Family
from hpcrun.tables.mpi_families import mpi_families
from hpcrun.tables.pmix_versions import pmix_versions


@pytest.mark.parametrize(
    ("implementation", "file_name", "version"),
    [
        ("open-mpi", "libmpi.so.12.0.7", "1.10.7"),
        ("open-mpi", "libmpi.so.20.10.3", "2.1"),
        ("open-mpi", "libmpi.so.40.0.5", "3.0"),
        ("open-mpi", "libmpi.so.40.10.4", "3.1"),
        ("open-mpi", "libmpi.so.40.20.3", "4.0.3"),
        ("open-mpi", "libmpi.so.40.30.8", "4.1.8"),
        ("open-mpi", "libmpi.so.40.40.7", "5.0"),
        ("open-mpi", "libmpi.so.40", None),
        ("open-mpi", "libmpi.so.0.0.0", None),
        ("mpich", "libmpi.so.12.1.1", "3.2"),
        ("mpich", "libmpi.so.12.1.8", "3.3"),
        ("mpich", "libmpich.so.12.1.10", "3.4"),
        ("mpich", "libmpich.so.12.2.2", "4.0.2"),
        ("mpich", "libmpich.so.12.6.2", "5.0"),
        ("mpich", "libmpi.so.12", None),
        ("mpich", "libmpi.so.0.0.0", None),
    ],
)
def test_mpi_file_name_tells_its_version(
    implementation: str, file_name: str, version: str | None
) -> None:
    assert mpi_families().version_by_file_name(implementation, file_name) == version


@pytest.mark.parametrize(
    ("file_name", "version"),
    [
        ("libpmix.so.2.0.3", "1.2"),
        ("libpmix.so.2.1.3", "2.0.3"),
        ("libpmix.so.2.1.14", "2.1.4"),
        ("libpmix.so.2.1.25", "2.2.5"),
        ("libpmix.so.2.2.2", "3.0.2"),
        ("libpmix.so.2.2.25", "3.1.5"),
        ("libpmix.so.2.2.28", "3.1"),
        ("libpmix.so.2.2.35", "3.2.5"),
        ("libpmix.so.2.3.0", "4.0.0"),
        ("libpmix.so.2.5.3", "4.1.3"),
        ("libpmix.so.2.6.2", "4.2.2"),
        ("libpmix.so.2.7.0", "4.2.3"),
        ("libpmix.so.2.9.5", "4.2"),
        ("libpmix.so.2.13.10", "5.0.10"),
        ("libpmix.so.2.18.0", "6.0.0"),
        ("libpmix.so.2", None),
    ],
)
def test_pmix_file_name_tells_its_version(file_name: str, version: str | None) -> None:
    assert pmix_versions().by_file_name(file_name) == version


@pytest.mark.parametrize(
    ("file_name", "is_library"),
    [
        ("libmpi.so", True),
        ("libmpi.so.40.30.4", True),
        ("libmpich.so.12", True),
        ("libmpi_abi.so.1", True),
        ("libmpi_abi_openmpi.so.1.0.0", True),
        ("libmpi_gnu_91.so.12", True),
        ("libmpi_cxx.so.40", False),
        ("libmpi_mpifh.so.40", False),
        ("libmpichfort.so.12", False),
        ("libmpi.so.40.py", False),
    ],
)
def test_library_is_known_by_its_file_name(file_name: str, is_library: bool) -> None:
    assert (mpi_families().library(file_name) is not None) == is_library


@pytest.mark.parametrize(
    ("name", "is_own"),
    [("ompi_info", True), ("mpirun.openmpi", True), ("hydra_pmi_proxy", True), ("solver", False)],
)
def test_program_of_an_mpi_installation_is_known_by_its_name(name: str, is_own: bool) -> None:
    assert mpi_families().is_own_program(name) == is_own


def test_binding_tags_name_families() -> None:
    tags = {row.tag: row.family for row in mpi_families().binding_tags}
    assert tags["impi"] is Family.MPICH
    assert mpi_families().binding_family("solver") is None


def test_bundled_pmix_is_told_for_releases_in_the_table() -> None:
    assert pmix_versions().bundled_with("4.1.8") == "3.2.5a1"
    assert pmix_versions().bundled_with("9.9.9") is None
