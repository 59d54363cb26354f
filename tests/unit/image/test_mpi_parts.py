"""Implementations are told apart, and what belongs to one is found: names, languages, parts."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from hpcrun.image import read_image
from hpcrun.model.base import UNKNOWN
from hpcrun.model.image import MpiLibrary
from tests.fakes import mpi_files
from tests.fakes.elf_builder import ElfBuilder

LIB = "usr/lib/x86_64-linux-gnu"


def read(tmp_path: Path, files: Mapping[str, bytes | str]) -> tuple[MpiLibrary, ...]:
    """Return the MPI libraries of an unpacked image; text is the target of a link."""
    for name, content in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, str):
            path.symlink_to(content)
        else:
            path.write_bytes(content)
    return read_image(tmp_path).mpi


def mpi_library(*constants: str, open_mpi: bool = False, soname: str = "libmpi.so.12") -> bytes:
    defines = ("MPI_Init", "ompi_mpi_comm_world") if open_mpi else ("MPI_Init",)
    return ElfBuilder(soname=soname, defines=defines, constants=constants).build()


SPECTRUM = ("Open MPI v3.1.0, package: IBM Spectrum MPI", "IBM Spectrum MPI", "10.3.1.2")
IMPLEMENTATIONS = {
    "open-mpi": (mpi_library("4.1.8", "v4.1.8", open_mpi=True), "openmpi", "4.1.8"),
    "spectrum-mpi": (mpi_library(*SPECTRUM, open_mpi=True), "openmpi", "10.3.1.2"),
    "fujitsu-mpi": (
        mpi_library("FUJITSU MPI Library 4.0.1 (4.0.1fj4.0.0)", "4.0.1", open_mpi=True),
        "openmpi",
        "4.0.1",
    ),
    "mvapich": (
        mpi_library("MVAPICH2 Version      :\t2.3.7\n", "MPICH Version:", "3.2.1"),
        "mpich",
        "2.3.7",
    ),
    "cray-mpich": (
        mpi_library("MPI VERSION    : CRAY MPICH version 8.1.28.2 (ANL base 3.4a2)\n"),
        "mpich",
        "8.1.28",
    ),
    "parastation": (mpi_library("ParaStation", "5.9.2-1", "MPICH Version:"), "mpich", "5.9.2-1"),
    "hpe-hmpt": (mpi_library("HPE HMPT 2.23  08/26/20 02:59:48-root"), "mpich", "2.23"),
    "mpich": (mpi_library("MPICH Version:", "4.3.2"), "mpich", "4.3.2"),
}


@pytest.mark.parametrize("name", IMPLEMENTATIONS)
def test_implementation_is_told_by_its_symbols_and_constants(tmp_path: Path, name: str) -> None:
    content, family, version = IMPLEMENTATIONS[name]
    file_name = "libmpi_ibm.so.3" if name == "spectrum-mpi" else "libmpi.so.12"
    (library,) = read(tmp_path, {f"opt/mpi/lib/{file_name}": content})
    assert (library.implementation, library.family, library.version) == (name, family, version)


def test_longer_of_two_versions_of_intel_mpi_counts(tmp_path: Path) -> None:
    content = ElfBuilder(
        soname="libmpi.so.12",
        defines=("MPI_Init", "I_MPI_Check_image_status"),
        constants=("2021.19", "2021.19.0"),
    ).build()
    (library,) = read(tmp_path, {"opt/libmpi.so.12": content})
    assert library.version == "2021.19.0"


def test_links_and_copies_are_further_names_of_a_library(tmp_path: Path) -> None:
    content = mpi_files.mpich()
    (library,) = read(
        tmp_path,
        {
            f"{LIB}/libmpich.so.12.2.2": content,
            f"{LIB}/libmpich.so.12": "libmpich.so.12.2.2",
            f"{LIB}/libmpi.so.12": "libmpich.so.12",
            f"{LIB}/libmpi.so": content,
            "opt/libmpi.so.12": f"/{LIB}/libmpich.so.12",
            "elsewhere/libmpi.so.40": "nowhere.so",
        },
    )
    assert library.file_name == "libmpich.so.12.2.2"
    assert library.aliases == ("libmpi.so", "libmpi.so.12")
    assert library.vendor is not None
    assert (library.vendor.name, library.vendor.certainty) == ("Debian", "hint")


def test_libraries_for_other_languages_belong_to_the_one_they_are_linked_to(tmp_path: Path) -> None:
    fortran = ElfBuilder(
        soname="libmpi_usempif08.so.40",
        needed=("libmpi.so.40",),
        defines=("__mpi_f08_types_MOD_mpi_comm_world",),
    ).build()
    (library,) = read(
        tmp_path,
        {
            f"{LIB}/libmpi.so.40": mpi_files.open_mpi(),
            f"{LIB}/libmpi_usempif08.so.40": fortran,
            f"{LIB}/libmpi_cxx.so.40": mpi_files.library(
                "libmpi_cxx.so.40", needed=("libmpi.so.40",)
            ),
            f"{LIB}/libmpifort.so.12": mpi_files.library(
                "libmpifort.so.12", needed=("libmpi.so.12",)
            ),
        },
    )
    assert [(c.language, c.soname, c.compiler) for c in library.companions] == [
        ("c++", "libmpi_cxx.so.40", UNKNOWN),
        ("fortran-2008", "libmpi_usempif08.so.40", "gfortran"),
    ]


def test_components_of_pmix_and_open_mpi_are_told_whether_files_or_linked_in(
    tmp_path: Path,
) -> None:
    pmix = ElfBuilder(
        soname="libpmix.so.2",
        defines=("pmix_mca_gds_hash_component", "pmix_mca_psec_native_component"),
        constants=("OpenPMIx 5.0.7 (PMIx Standard: 5.1",),
    ).build()
    (library,) = read(
        tmp_path,
        {
            f"{LIB}/libmpi.so.40": ElfBuilder(
                soname="libmpi.so.40",
                needed=("libpmix.so.2",),
                defines=(
                    "MPI_Init",
                    "ompi_mpi_comm_world",
                    "mca_pml_ucx_component",
                    "mca_pml_base_selected_component",
                    "mca_coll_tuned_component",
                ),
            ).build(),
            f"{LIB}/libpmix.so.2": pmix,
            f"{LIB}/pmix/mca_psec_munge.so": ElfBuilder().build(),
            f"{LIB}/openmpi/mca_btl_smcuda.so": ElfBuilder().build(),
            f"{LIB}/openmpi/mca_coll_hcoll.so": ElfBuilder(needed=("libhcoll.so.1",)).build(),
        },
    )
    assert library.pmi != UNKNOWN
    (ability,) = library.pmi
    assert (ability.version, ability.psec, ability.gds) == (
        "5.0.7",
        ("munge", "native"),
        ("hash",),
    )
    assert library.components == ("btl/smcuda", "coll/hcoll", "pml/ucx")
    assert library.gpu == ("cuda",)
    assert [(use.kind, use.how, use.path) for use in library.fabrics] == [
        ("hcoll", "component", None)
    ]


def test_component_that_only_tells_of_its_heir_is_not_among_those_of_open_mpi(
    tmp_path: Path,
) -> None:
    library = mpi_library("4.1.4", "v4.1.4", open_mpi=True, soname="libmpi.so.40")
    names = ("mca_btl_sm.so", "mca_btl_vader.so")
    files = {f"{LIB}/openmpi/{name}": ElfBuilder().build() for name in names}
    (of_4,) = read(tmp_path / "4", {f"{LIB}/libmpi.so.40": library, **files})
    del files[f"{LIB}/openmpi/mca_btl_vader.so"]
    (of_5,) = read(tmp_path / "5", {f"{LIB}/libmpi.so.40": library, **files})
    assert of_4.components == ("btl/vader",)
    assert of_5.components == ("btl/sm",)


def test_mpirun_that_only_calls_prterun_is_not_told_as_orte(tmp_path: Path) -> None:
    orte = ElfBuilder(interpreter="/lib64/ld.so", needed=("libopen-rte.so.40",)).build()
    caller = ElfBuilder(interpreter="/lib64/ld.so", needed=("libpmix.so.2",)).build()
    kinds = []
    for content in (orte, caller):
        place = "usr/bin/mpirun.openmpi"
        (tmp_path / place).unlink(missing_ok=True)
        read(tmp_path, {place: content})
        (tmp_path / place).chmod(0o755)
        (starter,) = read_image(tmp_path).starters
        kinds.append(starter.kind)
    assert kinds == ["orte", "prrte"]


def test_device_and_interface_of_mpich_are_told(tmp_path: Path) -> None:
    content = ElfBuilder(
        soname="libmpi.so.12",
        defines=("MPI_Init", "MPI_Send_c", "MPI_Abi_get_version"),
        constants=("MPICH Version:", "5.0.2", "ch4:ucx ofi"),
    ).build()
    (library,) = read(tmp_path, {"opt/libmpi.so.12": content})
    assert (library.device, library.has_large_count, library.has_abi_query) == (
        "ch4:ucx ofi",
        True,
        True,
    )


def test_program_tells_the_symbols_that_it_and_its_libraries_need(tmp_path: Path) -> None:
    hdf5 = ElfBuilder(
        soname="libhdf5.so",
        needed=("libmpi.so.40",),
        needs_symbols=("MPI_File_open", "MPI_Send"),
        needs_weakly=("MPI_Abi_get_version",),
    )
    profiler = ElfBuilder(
        soname="libmpiP.so", needed=("libmpi.so.40",), defines=("MPI_Send",), needs_symbols=("q",)
    )
    program = ElfBuilder(
        interpreter="/lib64/ld.so",
        needed=("libhdf5.so", "libmpiP.so", "libmpi_mpifh.so.40"),
        needs_symbols=("mpi_init_", "ompi_mpi_comm_world", "printf"),
    )
    files = {"usr/bin/solver": program, f"{LIB}/libhdf5.so": hdf5, f"{LIB}/libmpiP.so": profiler}
    read(tmp_path, {name: builder.build() for name, builder in files.items()})
    (tmp_path / "usr/bin/solver").chmod(0o755)
    user = next(u for u in read_image(tmp_path).mpi_users if u.path == "/usr/bin/solver")
    assert user.symbols != UNKNOWN
    assert user.symbols.names == {"MPI_File_open", "mpi_init_", "ompi_mpi_comm_world"}
    assert user.companions == ("libmpi_mpifh.so.40",)


STATIC_MPICH = ("PMI_FD", "get_maxes", "MPIR_CVAR_CH4_NETMOD", "ch4:ofi", "4.0.2")


@pytest.mark.parametrize("needed", [(), ("libfabric.so.1", "libc.so.6")], ids=["all", "mpi-only"])
def test_program_that_holds_its_mpi_is_library_and_user_at_once(
    tmp_path: Path, needed: tuple[str, ...]
) -> None:
    big = {".text": bytes(1 << 20)}
    program = ElfBuilder(kind=2, needed=needed, constants=STATIC_MPICH, sections=big)
    other = ElfBuilder(kind=2, needed=("libfabric.so.1",), constants=("PMI_FD",), sections=big)
    read(tmp_path, {"usr/bin/solver": program.build(), "usr/bin/other": other.build()})
    for name in ("solver", "other"):
        (tmp_path / "usr/bin" / name).chmod(0o755)
    facts = read_image(tmp_path)
    (library,), (user,) = facts.mpi, facts.mpi_users
    assert (library.linking, library.family, library.version, library.device) == (
        "static",
        "mpich",
        "4.0.2",
        "ch4:ofi",
    )
    assert library.pmi != UNKNOWN
    assert [ability.kind for ability in library.pmi] == ["pmi1"]
    assert (user.path, user.needed, user.library) == ("/usr/bin/solver", "static", library.path)
