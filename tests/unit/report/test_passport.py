"""The page about an image or a stack: it fits, leaves nothing out silently, and cannot be faked."""

from pathlib import Path

import pytest

from hpcrun.compat.evidence import library_found
from hpcrun.model.command import CommandFacts, LoadedLibrary
from hpcrun.model.image import Family, ImageFacts, MpiLibrary, MpiUser, Program, StackFacts
from hpcrun.model.seen import Certainty
from hpcrun.report.page import LINES_PER_SECTION, PAGE_LINES, WIDTH, format_page, section
from hpcrun.report.passport import format_image, format_stack

CORPUS = Path(__file__).resolve().parents[2] / "corpora" / "images"
PLAIN = ImageFacts(
    path=Path("/images/app.sif"), kind="sif", size_bytes=3 << 20, mtime_ns=0, digest="sif:abc"
)


@pytest.mark.parametrize("file", sorted(CORPUS.glob("*.facts.json")), ids=lambda file: file.name)
def test_page_of_a_real_image_fits_a_screen(file: Path) -> None:
    lines = format_image(ImageFacts.model_validate_json(file.read_bytes())).splitlines()
    assert len(lines) <= PAGE_LINES
    assert max(map(len, lines)) <= WIDTH


@pytest.mark.parametrize("file", sorted(CORPUS.glob("*.stack.json")), ids=lambda file: file.name)
def test_page_of_a_real_stack_fits_a_screen(file: Path) -> None:
    lines = format_stack(StackFacts.model_validate_json(file.read_bytes())).splitlines()
    assert len(lines) <= PAGE_LINES
    assert max(map(len, lines)) <= WIDTH


def test_page_of_an_image_with_nothing_says_what_is_unknown() -> None:
    assert format_image(PLAIN).splitlines() == [
        "/images/app.sif: SIF, 3 MiB",
        "  processor     no programs found; the image declares none",
        "  C library     none found",
        "",
        "image",
        "  digest        sif:abc",
    ]


def test_names_out_of_the_image_cannot_steer_the_terminal() -> None:
    facts = PLAIN.model_copy(
        update={
            "mpi_users": (MpiUser(path="/bin/\x1b[2Jx\nMPI libraries", needed="lib\u202empi"),),
            "program": Program(argv0="a\rb", path="/x\x07"),
        }
    )
    page = format_image(facts)
    assert not any(letter in page for letter in "\x1b\r\x07\u202e")
    assert "\nMPI libraries" not in page


def test_long_section_is_cut_and_says_so() -> None:
    unread = tuple(f"/folder/{n}" for n in range(40))
    lines = format_image(PLAIN.model_copy(update={"unread": unread})).splitlines()
    assert f"  {40 - LINES_PER_SECTION} further; all with --json" in lines


def test_programs_of_one_need_are_told_together() -> None:
    users = tuple(MpiUser(path=f"/bin/{n}", needed="libmpi.so.40") for n in range(40))
    page = format_image(PLAIN.model_copy(update={"mpi_users": users}))
    assert "  libmpi.so.40: /bin/0, /bin/1, /bin/2 and 37 further\n" in page


def test_many_long_sections_together_fit_a_page_and_each_says_what_it_leaves_out() -> None:
    parts = [section(f"part {n}", [f"{word} " * 60 for word in "abcdefghij"]) for n in range(9)]
    lines = format_page("title", parts).splitlines()
    assert len(lines) <= PAGE_LINES
    assert [line for line in lines if line.startswith("part")] == [f"part {n}" for n in range(9)]
    left_out = [line for line in lines if line.endswith(" further; all with --json")]
    assert {line.split()[0] for line in left_out} <= {"8", "9"}
    assert len(left_out) == len(parts)


def test_title_of_a_section_is_wrapped_and_cannot_steer_the_terminal() -> None:
    lines = format_page("title", [section("word " * 40 + "\x1b[2J", ["line"])]).splitlines()
    assert max(map(len, lines)) <= WIDTH
    assert "\x1b" not in "".join(lines)


def test_short_section_is_not_cut_for_a_long_one() -> None:
    parts = [section(f"part {n}", [f"line {i}" for i in range(n)]) for n in (3, 40, 40, 40, 40, 40)]
    assert "  line 2" in format_page("title", parts).splitlines()[:6]


def test_unread_parts_are_told() -> None:
    facts = PLAIN.model_copy(update={"unread": ("an ext3 file system",), "is_complete": False})
    assert "not read; what is missing above may lie there\n  an ext3" in format_image(facts)


def test_library_without_known_pmi_says_so() -> None:
    library = MpiLibrary(
        family=Family.OPENMPI,
        path="/lib/libmpi.so.40",
        soname="libmpi.so.40",
        file_name="libmpi.so.40",
        arch="x86_64",
    )
    page = format_image(PLAIN.model_copy(update={"mpi": (library,)}))
    assert "Open MPI of unknown version: /lib/libmpi.so.40" in page
    assert "speaks an unknown PMI" in page


@pytest.mark.parametrize(
    ("family", "implementation", "name"),
    [
        ("mpich", "intel-mpi", "Intel MPI 2021.19.0: "),
        ("mpich", "mpich", "MPICH 2021.19.0: "),
        ("mpich", "unknown", "MPICH family 2021.19.0: "),
        ("openmpi", "spectrum-mpi", "Spectrum MPI 2021.19.0: "),
        ("mpi-abi", "intel-mpi", "MPI ABI of Intel MPI 2021.19.0: "),
    ],
)
def test_library_is_named_by_its_implementation(
    family: str, implementation: str, name: str
) -> None:
    library = MpiLibrary.model_validate(
        {
            "family": family,
            "implementation": implementation,
            "version": "2021.19.0",
            "version_evidence": "a constant",
            "path": "/lib/libmpi.so.12",
            "soname": "libmpi.so.12",
            "file_name": "libmpi.so.12",
            "arch": "x86_64",
        }
    )
    facts = PLAIN.model_copy(update={"mpi": (library,)})
    assert f"\n  {name}/lib/libmpi.so.12" in format_image(facts)
    if family != "mpi-abi" and implementation != "unknown":
        assert name.removesuffix(": ") in library_found(facts, library)


def test_lacking_library_is_said_once() -> None:
    lacking = LoadedLibrary(
        name="libno.so.1",
        path=None,
        needed_by="/bin/app",
        evidence="found in none of the loader's folders",
        certainty=Certainty.SURE,
    )
    doubt = "`libno.so.1`, which /bin/app needs, was not found"
    command = CommandFacts(argv=("app",), steps=(), closure=(lacking,), doubts=(doubt,))
    page = format_image(PLAIN.model_copy(update={"command": command}))
    assert "uses MPI: unknown, as it lacks libraries" in page
    assert page.count("libno.so.1") == 1
    more = command.model_copy(update={"doubts": (doubt, "line 3 of /bin/run: `if`")})
    page = format_image(PLAIN.model_copy(update={"command": more}))
    assert "uses MPI: unknown, as it could not be followed to its end" in page
    assert "not followed: line 3 of /bin/run" in page
