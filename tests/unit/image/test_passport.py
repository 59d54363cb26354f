"""Whole passports of images built in memory: each fact from bytes, each lack told."""

import os
from collections.abc import Callable
from pathlib import Path, PurePosixPath

import pytest

from hpcrun.errors import MissingInputError
from hpcrun.image import ImageError, Mount, Surroundings, read_image
from hpcrun.model.api_names import ApiNames
from hpcrun.model.base import UNKNOWN
from hpcrun.model.image import Family, ImageFacts, LibC, MpiUser, PmiAbility, Program
from tests.fakes import mpi_files
from tests.fakes.elf_builder import AARCH64, ElfBuilder
from tests.fakes.sif_builder import (
    AMD64,
    ARCHIVE,
    ARM64,
    ENCRYPTED,
    EXT3,
    GOCRYPTFS,
    OVERLAY,
    build_sif,
)
from tests.fakes.squashfs_builder import LZO, File, Link, build_squashfs, nested

LIB = "usr/lib/x86_64-linux-gnu"
Read = Callable[..., ImageFacts]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Return a function that puts files into a SIF and reads its passport."""

    def put_and_read(
        files: dict[str, bytes | File | Link], *, arch: str = AMD64, **options: object
    ) -> ImageFacts:
        image = tmp_path / "image.sif"
        image.write_bytes(build_sif(build_squashfs(nested(files)), arch=arch))
        return read_image(image, **options)  # type: ignore[arg-type]

    return put_and_read


def test_image_without_mpi_tells_architecture_and_c_library(read: Read) -> None:
    facts = read(
        {
            f"{LIB}/libc.so.6": mpi_files.glibc("2.36"),
            "usr/bin/tool": File(mpi_files.program("libc.so.6")),
            "usr/bin/text": File(b"#!/bin/sh\n"),
        }
    )
    assert facts.is_complete
    assert (facts.declared_arch, facts.program_archs) == ("x86_64", {"x86_64": 2})
    assert facts.libc == LibC(
        kind="glibc", version="2.36", evidence=f"/{LIB}/libc.so.6 says `release version 2.36`"
    )
    assert (facts.mpi, facts.mpi_users) == ((), ())
    assert facts.sonames == ("libc.so.6",)


def test_image_labelled_arm64_with_amd64_programs_counts_the_programs(read: Read) -> None:
    facts = read(
        {
            "usr/bin/a": File(mpi_files.program()),
            "usr/bin/b": File(mpi_files.program()),
            "usr/bin/c": File(mpi_files.program(machine=AARCH64)),
        },
        arch=ARM64,
    )
    assert facts.declared_arch == "aarch64"
    assert facts.program_archs == {"x86_64": 2, "aarch64": 1}
    assert facts.arch == "x86_64"


def test_open_mpi_4_finds_its_pmix_through_the_component(read: Read) -> None:
    facts = read(
        {
            f"{LIB}/libmpi.so.40.30.4": mpi_files.open_mpi("4.1.4"),
            f"{LIB}/libmpi.so.40": Link("libmpi.so.40.30.4"),
            f"{LIB}/libopen-pal.so.40": mpi_files.library("libopen-pal.so.40"),
            f"{LIB}/openmpi/mca_pmix_ext3x.so": mpi_files.component("ext3x"),
            f"{LIB}/openmpi/mca_pmix_flux.so": mpi_files.component("flux", needed=()),
            f"{LIB}/libpmix.so.2": Link("pmix2/libpmix.so.2.6.2"),
            f"{LIB}/pmix2/libpmix.so.2.6.2": mpi_files.library("libpmix.so.2"),
        }
    )
    (library,) = facts.mpi
    assert library.family is Family.OPENMPI
    assert (library.version, library.soname) == ("4.1.4", "libmpi.so.40")
    assert library.path == f"/{LIB}/libmpi.so.40.30.4"
    assert library.pmi == (
        PmiAbility(
            kind="pmix",
            version="4.2.2",
            evidence=f"component `ext3x`: /{LIB}/openmpi/mca_pmix_ext3x.so needs libpmix.so.2 "
            f"(/{LIB}/pmix2/libpmix.so.2.6.2)",
        ),
    )


def test_open_mpi_4_with_slurm_components_speaks_pmi1_and_pmi2(read: Read) -> None:
    facts = read(
        {
            "opt/ompi/lib/libmpi.so.40.20.3": mpi_files.open_mpi("4.0.3"),
            "opt/ompi/lib/openmpi/mca_pmix_s1.so": mpi_files.component("s1", needed=()),
            "opt/ompi/lib/openmpi/mca_pmix_s2.so": mpi_files.component("s2", needed=()),
        }
    )
    assert _kinds(facts) == [("pmi1", UNKNOWN), ("pmi2", UNKNOWN)]


def test_open_mpi_4_cannot_open_a_slurm_component_without_its_library(read: Read) -> None:
    component = mpi_files.component("s2", needed=("libpmi2.so.0",))
    files = {
        "opt/ompi/lib/libmpi.so.40.20.3": mpi_files.open_mpi("4.0.3"),
        "opt/ompi/lib/openmpi/mca_pmix_s1.so": mpi_files.component("s1", needed=()),
        "opt/ompi/lib/openmpi/mca_pmix_s2.so": component,
    }
    assert _kinds(read(files)) == [("pmi1", UNKNOWN)]
    files[f"{LIB}/libpmi2.so.0"] = mpi_files.library("libpmi2.so.0")
    assert _kinds(read(files)) == [("pmi1", UNKNOWN), ("pmi2", UNKNOWN)]


def test_open_mpi_4_with_everything_linked_in_tells_the_bundled_pmix(read: Read) -> None:
    opal = ElfBuilder(
        soname="libopen-pal.so.40",
        defines=("mca_pmix_pmix3x_component", "mca_pmix_isolated_component", "PMIx_Init"),
        constants=("1.2.11", "3.2.5a1", "4.1.8"),
    ).build()
    facts = read(
        {
            "opt/lib/libmpi.so.40": mpi_files.open_mpi("4.1.8", runpath="$ORIGIN"),
            "opt/lib/libopen-pal.so.40": opal,
        }
    )
    assert _kinds(facts) == [("pmix", "3.2.5a1")]
    assert facts.mpi[0].version == "4.1.8"


def test_open_mpi_5_tells_the_pmix_it_is_linked_to(read: Read) -> None:
    banner = "OpenPMIx 5.0.7a1 (PMIx Standard: 5.1, Stable ABI: 5.0, Provisional ABI: 5.0)"
    facts = read(
        {
            f"{LIB}/libmpi.so.40.40.7": mpi_files.open_mpi("5.0.7", needed=("libpmix.so.2",)),
            f"{LIB}/libpmix.so.2": mpi_files.library("libpmix.so.2", constants=(banner,)),
        }
    )
    assert _kinds(facts) == [("pmix", "5.0.7a1")]


def test_open_mpi_6_is_known_by_the_symbol_it_needs(read: Read) -> None:
    front = ElfBuilder(
        soname="libmpi.so.40",
        needed=("libopen_mpi.so.40",),
        defines=("MPI_Init",),
        needs_symbols=("ompi_mpi_comm_world",),
        constants=("6.0.0rc2",),
    ).build()
    facts = read(
        {
            f"{LIB}/libmpi.so.40.50.0": front,
            f"{LIB}/libopen_mpi.so.40": mpi_files.library(
                "libopen_mpi.so.40", needed=("libpmix.so.2",)
            ),
            f"{LIB}/libpmix.so.2.28.0": mpi_files.library("libpmix.so.2"),
            f"{LIB}/libpmix.so.2": Link("libpmix.so.2.28.0"),
        }
    )
    assert (facts.mpi[0].family, facts.mpi[0].version) == (Family.OPENMPI, "6.0.0rc2")
    assert _kinds(facts) == [("pmix", "7.0.0")]


def test_open_mpi_1_10_is_not_taken_for_mpich_by_its_soname(read: Read) -> None:
    facts = read({"usr/lib/libmpi.so.12.0.7": mpi_files.open_mpi("1.10.7", soname="libmpi.so.12")})
    assert (facts.mpi[0].family, facts.mpi[0].version) == (Family.OPENMPI, "1.10.7")


def test_open_mpi_without_any_client_has_unknown_pmi(read: Read) -> None:
    assert read({"usr/lib/libmpi.so.40": mpi_files.open_mpi()}).mpi[0].pmi == UNKNOWN


def test_mpich_beside_open_mpi_keeps_its_own_pmi(read: Read) -> None:
    facts = read(
        {
            f"{LIB}/libmpich.so.12.2.2": mpi_files.mpich("4.0.2"),
            f"{LIB}/libmpi.so.40.30.4": mpi_files.open_mpi("4.1.4"),
            f"{LIB}/openmpi/mca_pmix_ext3x.so": mpi_files.component("ext3x"),
        }
    )
    kinds = {lib.family: [pmi.kind for pmi in lib.pmi] for lib in facts.mpi if lib.pmi != UNKNOWN}
    assert kinds == {Family.MPICH: ["pmi1"], Family.OPENMPI: ["pmix"]}


@pytest.mark.parametrize(
    ("constants", "needed", "kinds"),
    [
        (("PMI_FD", "cmd=get_maxes"), (), [("pmi1", UNKNOWN)]),
        (("PMI_FD", "fullinit"), (), [("pmi2", UNKNOWN)]),
        (("PMI_FD", "get_maxes", "fullinit"), (), [("pmi1", UNKNOWN)]),
        (
            ("PMI_FD", "get_maxes", "fullinit", "MPIR_CVAR_PMI_VERSION"),
            (),
            [("pmi1", UNKNOWN), ("pmi2", UNKNOWN)],
        ),
        ((), ("libpmix.so.2",), [("pmix", UNKNOWN)]),
        ((), ("libpmi2.so.0",), [("pmi2", UNKNOWN)]),
        ((), ("libpmi.so.0",), [("pmi1", UNKNOWN)]),
        ((), ("libpmi2.so.1",), [("pmix", UNKNOWN)]),
        ((), ("libpmi.so.1",), [("pmix", UNKNOWN)]),
    ],
)
def test_mpich_tells_the_clients_that_it_was_built_with(
    read: Read, constants: tuple[str, ...], needed: tuple[str, ...], kinds: list[tuple[str, str]]
) -> None:
    library = mpi_files.mpich(constants=("MPICH Version:", *constants), needed=needed)
    assert _kinds(read({"usr/lib/libmpich.so.12.2.2": library})) == kinds


def test_standard_abi_library_tells_family_and_carrier(read: Read) -> None:
    library = mpi_files.mpich("5.0.2", soname="libmpi_abi.so.1")
    facts = read({"usr/lib/libmpi_abi.so.1": library})
    assert (facts.mpi[0].family, facts.mpi[0].version) == (Family.MPI_ABI, "5.0.2")
    assert _kinds(facts) == [("pmi1", UNKNOWN)]


def test_version_that_contradicts_the_file_name_is_not_believed(read: Read) -> None:
    facts = read({"usr/lib/libmpi.so.40.30.4": mpi_files.open_mpi("5.0.0")})
    assert facts.mpi[0].version == "4.1.4"


def test_library_of_unknown_making_is_told_as_unknown(read: Read) -> None:
    library = ElfBuilder(soname="libmpi.so.1", defines=("MPI_Init",)).build()
    facts = read({"usr/lib/libmpi.so.1": library})
    assert (facts.mpi[0].family, facts.mpi[0].version) == (UNKNOWN, UNKNOWN)


def test_file_that_only_has_the_name_is_no_mpi_library(read: Read) -> None:
    files = {"usr/lib/libmpi.so": b"INPUT(libmpi.so.40)\n"}
    assert read({**files, "usr/lib/libmpi.so.40": mpi_files.library("libmpi.so.40")}).mpi == ()


def test_copies_under_several_names_are_one_library(read: Read) -> None:
    library = mpi_files.mpich("4.3.2", soname="libmpi.so.12")
    names = ("libmpi.so", "libmpi.so.12", "libmpi.so.12.5.2")
    facts = read({f"opt/lib/{name}": library for name in names})
    assert [lib.file_name for lib in facts.mpi] == ["libmpi.so.12.5.2"]


def test_users_are_programs_and_python_modules_not_the_mpis_own_tools(read: Read) -> None:
    module = "usr/lib/python3/dist-packages/mpi4py/MPI.cpython-313-x86_64-linux-gnu.so"
    facts = read(
        {
            "usr/bin/solver": File(mpi_files.program("libm.so.6", "libmpi.so.40")),
            "usr/bin/ompi_info": File(mpi_files.program("libmpi.so.40")),
            "usr/bin/mpichversion": File(mpi_files.program("libmpich.so.12")),
            "usr/bin/plain": File(mpi_files.program("libc.so.6")),
            module: mpi_files.library("x", needed=("libmpi.so.40",)),
            f"{LIB}/libmpi_cxx.so.40": mpi_files.library("c", needed=("libmpi.so.40",)),
        }
    )
    assert {(user.path, user.needed) for user in facts.mpi_users} == {
        ("/usr/bin/solver", "libmpi.so.40"),
        (f"/{module}", "libmpi.so.40"),
    }


def test_users_are_modules_of_python_and_r_under_plain_names_too(read: Read) -> None:
    module = mpi_files.library("x", needed=("libmpi.so.40",))
    python = "usr/lib/python3/dist-packages/meep"
    facts = read(
        {
            f"{python}/_meep.so.30.0.0": module,
            f"{python}/_meep.so": Link("_meep.so.30.0.0"),
            "opt/venv/lib/python3.13/site-packages/fast.so": module,
            "usr/lib/R/site-library/Rmpi/libs/Rmpi.so": module,
            f"{python}/libinner.so": module,
            "usr/lib/R/lib/libR.so": module,
            "usr/lib/field/libs/field.so": module,
        }
    )
    assert {user.path for user in facts.mpi_users} == {
        f"/{python}/_meep.so.30.0.0",
        "/opt/venv/lib/python3.13/site-packages/fast.so",
        "/usr/lib/R/site-library/Rmpi/libs/Rmpi.so",
    }


def test_user_through_another_library_is_found(read: Read) -> None:
    facts = read(
        {
            "usr/bin/solver": File(mpi_files.program("libpetsc.so.3.22")),
            f"{LIB}/libpetsc.so.3.22": Link("libpetsc.so.3.22.1"),
            f"{LIB}/libpetsc.so.3.22.1": mpi_files.library("p", needed=("libfield.so",)),
            f"{LIB}/libfield.so": mpi_files.library("f", needed=("libmpich.so.12", "libpetsc.so")),
        }
    )
    user = MpiUser(path="/usr/bin/solver", needed="libmpich.so.12", symbols=ApiNames())
    assert facts.mpi_users == (user,)


@pytest.mark.parametrize(
    ("folder", "rpath", "expected"),
    [
        (LIB, None, f"/{LIB}/libmpi.so.40.30.4"),
        ("opt/ompi/lib", "/opt/ompi/lib", "/opt/ompi/lib/libmpi.so.40.30.4"),
        ("opt/ompi/lib", "$ORIGIN/../lib", "/opt/ompi/lib/libmpi.so.40.30.4"),
        ("opt/ompi/lib", None, None),
        ("opt/ompi/lib", "/opt/ompi/$LIB", UNKNOWN),
    ],
    ids=["default", "rpath", "origin", "nowhere", "loaders-own-word"],
)
def test_library_of_a_user_is_the_one_that_the_loader_finds(
    read: Read, folder: str, rpath: str | None, expected: str | None
) -> None:
    program = ElfBuilder(interpreter="/lib64/ld.so", needed=("libmpi.so.40",), rpath=rpath)
    facts = read(
        {
            f"{LIB}/libc.so.6": mpi_files.glibc(),
            "opt/ompi/bin/solver": File(program.build()),
            f"{folder}/libmpi.so.40": Link("libmpi.so.40.30.4"),
            f"{folder}/libmpi.so.40.30.4": mpi_files.open_mpi(),
        }
    )
    assert [user.library for user in facts.mpi_users] == [expected]


def test_library_of_a_user_is_unknown_where_the_image_sets_a_path_by_itself(read: Read) -> None:
    facts = read(
        {
            f"{LIB}/libc.so.6": mpi_files.glibc(),
            "opt/solver": File(mpi_files.program("libmpi.so.40")),
            ".singularity.d/env/90-environment.sh": b". /opt/setvars.sh # LD_LIBRARY_PATH\n",
        }
    )
    assert [user.library for user in facts.mpi_users] == [UNKNOWN]


def test_module_built_once_per_mpi_chooses_at_run_time(read: Read) -> None:
    folder = "usr/lib/python3/site-packages/mpi4py"
    suffix = "cpython-313-x86_64-linux-gnu.so"
    facts = read(
        {
            f"{folder}/MPI.mpich.{suffix}": mpi_files.library("a", needed=("libmpi.so.12",)),
            f"{folder}/MPI.openmpi.{suffix}": mpi_files.library("b", needed=("libmpi.so.40",)),
        }
    )
    families = (Family.OPENMPI, Family.MPICH)
    assert facts.mpi_users == (
        MpiUser(path=f"/{folder}/MPI", needed="run time", families=families),
    )


def test_command_is_looked_up_by_the_images_own_path(read: Read) -> None:
    facts = read(
        {
            "opt/bin/app": File(mpi_files.program()),
            ".singularity.d/env/90-environment.sh": b"export PATH=/opt/bin:$PATH\n",
        },
        command=("app", "--fast"),
    )
    assert facts.program is not None
    assert (facts.program.path, facts.program.kind) == ("/opt/bin/app", "elf")


def test_program_that_a_mount_brings_is_read_where_it_lies(read: Read, tmp_path: Path) -> None:
    solver = tmp_path / "solver"
    solver.write_bytes(mpi_files.program("libmpi.so.40"))
    files: dict[str, bytes | File | Link] = {
        f"{LIB}/libc.so.6": mpi_files.glibc(),
        f"{LIB}/libmpi.so.40": mpi_files.open_mpi(),
    }
    facts = read(files, command=("./solver",), around=_around(tmp_path))
    assert facts.program == Program(
        argv0="./solver", path="/work/solver", arch="x86_64", kind="elf", host_path=solver
    )
    assert facts.command is not None
    assert facts.command.mpi_users != UNKNOWN
    found = [(user.path, user.library) for user in facts.command.mpi_users]
    assert found == [("/work/solver", f"/{LIB}/libmpi.so.40")]
    assert facts.mpi_users == ()  # none in the image itself
    assert facts.program_archs == {"x86_64": 2}  # what the image holds


def _around(workdir: Path) -> Surroundings:
    inside = PurePosixPath("/work")
    return Surroundings(inside, (Mount(inside, workdir),))


def test_script_that_a_mount_brings_is_followed_into_the_image(read: Read, tmp_path: Path) -> None:
    script = tmp_path / "run.sh"
    script.write_text("#!/bin/sh\nexec solver\n")
    files: dict[str, bytes | File | Link] = {
        "bin/sh": File(mpi_files.program()),
        "usr/bin/solver": File(mpi_files.program("libmpi.so.40")),
    }
    facts = read(files, command=("./run.sh",), around=_around(tmp_path))
    assert facts.program is not None
    assert (facts.program.path, facts.program.host_path) == ("/work/run.sh", script)
    assert facts.command is not None
    assert [step.path for step in facts.command.steps] == [
        "/work/run.sh",
        "/bin/sh",
        "/usr/bin/solver",
    ]


@pytest.mark.parametrize(
    ("file_system", "said"),
    [(EXT3, "ext3"), (ARCHIVE, "archive"), (ENCRYPTED, "encrypted"), (GOCRYPTFS, "encrypted")],
)
def test_partition_that_cannot_be_read_gives_an_incomplete_passport(
    tmp_path: Path, file_system: int, said: str
) -> None:
    image = tmp_path / "image.sif"
    image.write_bytes(build_sif(b"x" * 100, file_system=file_system))
    facts = read_image(image, command=("app",))
    assert (facts.is_complete, facts.declared_arch) == (False, "x86_64")
    assert said in facts.unread[0]
    assert facts.program is not None
    assert facts.program.kind == "unknown"


def test_compression_without_decoder_gives_an_incomplete_passport(tmp_path: Path) -> None:
    image = tmp_path / "image.sif"
    image.write_bytes(build_sif(build_squashfs({"a": b"x"}, compressor=LZO)))
    facts = read_image(image)
    assert not facts.is_complete
    assert "lzo" in facts.unread[0]


def test_image_without_primary_partition_gives_an_incomplete_passport(tmp_path: Path) -> None:
    image = tmp_path / "image.sif"
    image.write_bytes(build_sif(build_squashfs({}), part_type=OVERLAY))
    assert read_image(image).unread == ("the image has no primary system partition",)


def test_partition_that_holds_something_else_is_an_error(tmp_path: Path) -> None:
    image = tmp_path / "image.sif"
    image.write_bytes(build_sif(b"not a file system" * 100))
    with pytest.raises(ImageError, match="no squashfs"):
        read_image(image)


def test_damaged_library_is_told_and_the_rest_is_read(read: Read) -> None:
    broken = mpi_files.open_mpi()[:400]
    facts = read(
        {"usr/lib/libmpi.so.40": broken, "usr/bin/tool": File(mpi_files.program("libc.so.6"))}
    )
    assert not facts.is_complete
    assert facts.unread[0].startswith("/usr/lib/libmpi.so.40: ")
    assert facts.program_archs == {"x86_64": 2}


def test_digest_of_the_whole_file_is_taken_on_request(read: Read) -> None:
    assert read({"a": b"x"}).digest.startswith("sif:")
    assert read({"a": b"x"}, full_digest=True).digest.startswith("sha256:")


def test_missing_image_is_missing_input(tmp_path: Path) -> None:
    with pytest.raises(MissingInputError):
        read_image(tmp_path / "none.sif")


def test_unpacked_image_is_read_as_a_folder(tmp_path: Path) -> None:
    root = tmp_path / "image"
    (root / "usr/lib").mkdir(parents=True)
    (root / "lib").symlink_to("usr/lib")
    (root / "usr/lib/libc.so.6").write_bytes(mpi_files.glibc("2.41"))
    (root / "usr/lib/libmpi.so.40.30.4").write_bytes(mpi_files.open_mpi())
    facts = read_image(root)
    assert (facts.kind, facts.declared_arch, facts.libc.version) == ("folder", UNKNOWN, "2.41")
    assert facts.digest.startswith("folder:")
    assert [lib.path for lib in facts.mpi] == ["/usr/lib/libmpi.so.40.30.4"]


def test_part_of_an_unpacked_image_that_the_user_may_not_read_leaves_it_complete(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "root").mkdir()
    (tmp_path / "tool").write_bytes(mpi_files.program())
    scandir = os.scandir

    def refuse(path: Path) -> object:
        if Path(path).name == "root":
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    # Tests may run as root, whom no mode keeps out.
    monkeypatch.setattr(os, "scandir", refuse)
    facts = read_image(tmp_path)
    assert facts.is_complete
    assert facts.unread == ("this user may not read 1 files or folders, such as /root",)


def _kinds(facts: ImageFacts) -> list[tuple[str, str]]:
    (library,) = facts.mpi
    assert library.pmi != UNKNOWN
    return [(ability.kind, ability.version) for ability in library.pmi]
