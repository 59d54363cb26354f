"""Network libraries: versions, interfaces, providers, and which an MPI library uses."""

from pathlib import Path

from hpcrun.image import read_image
from hpcrun.model.base import UNKNOWN
from tests.fakes.elf_builder import ElfBuilder


def put(root: Path, name: str, builder: ElfBuilder) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(builder.build())


def test_libfabric_tells_version_interface_and_providers(tmp_path: Path) -> None:
    put(
        tmp_path,
        "usr/lib/libfabric.so.1.27.0",
        ElfBuilder(
            soname="libfabric.so.1",
            verdef=("FABRIC_1.0", "FABRIC_1.10", "FABRIC_1.9"),
            # `cxi` alone stands in the list by which all providers are ordered.
            constants=("2.1.0", "cxi", "xnet_ep_enable", "vrb_open_ep"),
        ),
    )
    put(tmp_path, "usr/lib/libfabric/libpsm3-fi.so", ElfBuilder())
    (library,) = read_image(tmp_path).fabrics
    assert (library.kind, library.version, library.interface) == (
        "libfabric",
        "2.1.0",
        "FABRIC_1.10",
    )
    assert (library.built_in, library.parts) == (("tcp", "verbs"), ("psm3",))


def test_ucx_tells_the_version_that_it_prints_and_its_transports(tmp_path: Path) -> None:
    put(
        tmp_path,
        "usr/lib/libucp.so.0",
        ElfBuilder(soname="libucp.so.0", constants=("1.0.0", "1.18.1", "%s\n")),
    )
    put(tmp_path, "usr/lib/ucx/libuct_cuda.so.0", ElfBuilder())
    put(tmp_path, "usr/lib/ucx/libuct_ib.so.0.0.0", ElfBuilder())
    (library,) = read_image(tmp_path).fabrics
    assert (library.version, library.parts) == ("1.18.1", ("cuda", "ib"))


def test_verbs_tell_the_number_that_providers_must_share(tmp_path: Path) -> None:
    put(
        tmp_path,
        "usr/lib/libibverbs.so.1.14.56.1",
        ElfBuilder(soname="libibverbs.so.1", verdef=("IBVERBS_1.1", "IBVERBS_PRIVATE_34")),
    )
    put(tmp_path, "usr/lib/libibverbs/libmlx5-rdmav34.so", ElfBuilder())
    (library,) = read_image(tmp_path).fabrics
    assert (library.version, library.interface, library.private, library.parts) == (
        "56.1",
        "IBVERBS_1.1",
        "IBVERBS_PRIVATE_34",
        ("mlx5",),
    )


def test_drivers_that_need_other_symbols_than_libibverbs_has_are_told(tmp_path: Path) -> None:
    own = ("IBVERBS_1.1", "IBVERBS_PRIVATE_34")
    put(tmp_path, "usr/lib/libibverbs.so.1", ElfBuilder(soname="libibverbs.so.1", verdef=own))
    for name, number in (("libmlx5.so.1", 34), ("libibverbs/libhns-rdmav25.so", 25)):
        needs = {"libibverbs.so.1": ("IBVERBS_1.1", f"IBVERBS_PRIVATE_{number}")}
        driver = ElfBuilder(needed=("libibverbs.so.1",), verneed=needs)
        put(tmp_path, f"usr/lib/{name}", driver)
    (verbs,) = (each for each in read_image(tmp_path).fabrics if each.kind == "verbs")
    assert verbs.foreign_parts == ("libhns-rdmav25.so needs IBVERBS_PRIVATE_25",)


def test_library_of_no_known_version_says_so(tmp_path: Path) -> None:
    put(tmp_path, "usr/lib/libucp.so.0", ElfBuilder(constants=("1.1.1", "1.2.2")))
    (library,) = read_image(tmp_path).fabrics
    assert (library.version, library.certainty) == (UNKNOWN, "likely")


def test_mpi_library_tells_what_it_is_linked_to_and_what_it_opens(tmp_path: Path) -> None:
    put(
        tmp_path,
        "usr/lib/libmpi.so.12",
        ElfBuilder(
            soname="libmpi.so.12",
            needed=("libucp.so.0",),
            defines=("MPI_Init",),
            constants=("MPICH Version:", "libfabric.so.1"),
        ),
    )
    put(tmp_path, "usr/lib/libucp.so.0", ElfBuilder(soname="libucp.so.0"))
    put(tmp_path, "usr/lib/libfabric/libfabric.so.1", ElfBuilder(soname="libfabric.so.1"))
    (library,) = read_image(tmp_path).mpi
    assert [(use.kind, use.how, use.path) for use in library.fabrics] == [
        ("ucx", "linked", "/usr/lib/libucp.so.0"),
        ("libfabric", "loaded", "/usr/lib/libfabric/libfabric.so.1"),
    ]
