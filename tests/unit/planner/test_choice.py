"""Which way is taken: the rules of choice, the job's wishes, and what is unknown."""

from typing import Any

import pytest

from hpcrun.model.diagnostic import Severity
from hpcrun.model.image import ImageFacts
from hpcrun.model.plan import Plan
from hpcrun.planner import plan_job
from tests.unit.planner.measured import (
    CHOOSER,
    IMAGES,
    SERIAL,
    STACKS,
    ability,
    image,
    job,
    library,
    openmpi_image,
    site,
    user,
)


def plan(facts: ImageFacts, here: dict[str, Any] | None = None, **wishes: Any) -> Plan:
    return plan_job(job(**wishes), site(**(here or {})), {"amd64": facts}, STACKS)


def way(made: Plan) -> tuple[str, str | None, str | None] | None:
    chosen = made.chosen
    return (chosen.model, chosen.srun_mpi, chosen.mpi_stack) if chosen else None


def codes(made: Plan) -> list[str]:
    return sorted({diagnostic.code for diagnostic in made.diagnostics})


CHOICES = {
    # image, tasks: model, --mpi, stack
    ("debian13-openmpi-5.0.7", 4): ("hybrid", "pmix", None),
    ("debian12-openmpi-4.1.4", 4): ("hybrid", "pmix", None),
    ("debian11-openmpi-4.1.0", 4): ("hybrid", "pmix", None),
    ("debian12-mpich-4.0.2", 4): ("hybrid", "pmi2", None),
    ("debian13-mpich-4.2.1", 4): ("hybrid", "pmi2", None),
    ("no-mpi-needs-libmpi.so.40", 4): ("bind", "pmix", "openmpi-5.0.11"),
    ("no-mpi-needs-libmpi.so.12", 4): ("bind", "pmi2", "mpich-4.3.2"),
    ("no-mpi", 4): None,
    ("debian13-openmpi-5.0.7", 1): ("hybrid", "pmix", None),
    ("debian12-openmpi-4.1.4", 1): ("hybrid", "pmix", None),
    ("debian12-mpich-4.0.2", 1): ("hybrid", "pmi2", None),
    ("no-mpi-needs-libmpi.so.40", 1): ("bind", "pmix", "openmpi-5.0.11"),
    ("no-mpi", 1): ("none", "none", None),
}


@pytest.mark.parametrize(
    ("question", "answer"), CHOICES.items(), ids=[f"{i}-{n}tasks" for i, n in CHOICES]
)
def test_choice_without_wishes(
    question: tuple[str, int], answer: tuple[str, str, str | None] | None
) -> None:
    name, n_tasks = question
    resources = SERIAL if n_tasks == 1 else {"nodes": 2, "tasks": n_tasks}
    assert way(plan(IMAGES[name], resources=resources)) == answer


def python_image(*libraries: Any, **more: Any) -> ImageFacts:
    program = {"argv0": "python3", "path": "/usr/bin/python3", "arch": "x86_64", "kind": "elf"}
    return image(*libraries, users=(CHOOSER,), program=program, **more)


OPENMPI = library("openmpi", "5.0.7", "libmpi.so.40", ability("pmix", "5.0.7"))
MPICH = library("mpich", "4.2.1", "libmpich.so.12", ability("pmi1"))


def test_choice_python_module_takes_the_images_own_library_and_is_told_so() -> None:
    made = plan(python_image(MPICH))
    assert way(made) == ("hybrid", "pmi2", None)
    assert made.environment["MPI4PY_LIBMPI"].value == MPICH.path


def test_choice_python_module_takes_the_library_of_two_that_is_served() -> None:
    scheduler = site().scheduler.to_json() | {"mpi_types": ["none", "pmi2"]}
    made = plan(python_image(OPENMPI, MPICH), {"scheduler": scheduler})
    assert way(made) == ("hybrid", "pmi2", None)
    assert made.environment["MPI4PY_LIBMPI"].value == MPICH.path


def test_choice_python_module_without_library_takes_a_host_stack_and_is_told_so() -> None:
    made = plan(python_image())
    assert way(made) == ("bind", "pmix", "openmpi-5.0.11")
    values = {name: item.value for name, item in made.environment.items()}
    prefix = "/opt/hpc/openmpi-5.0.11"
    assert values["LD_LIBRARY_PATH"] == f"{prefix}/lib"
    assert values["OPAL_PREFIX"] == prefix
    assert values["MPI4PY_LIBMPI"] == f"{prefix}/lib/libmpi.so.40"
    assert (prefix, "ro") in [(str(mount.container), mount.mode) for mount in made.mounts]


def test_choice_program_between_two_libraries_is_unknown() -> None:
    script = {"argv0": "run.sh", "path": "/opt/run.sh", "kind": "script"}
    users = (user("libmpi.so.40"), user("libmpich.so.12", "/usr/bin/other"))
    made = plan(image(OPENMPI, MPICH, users=users, program=script), {"mpi_stacks": {}})
    assert (way(made), codes(made)) == (None, ["HPR303"])


def test_choice_serial_program_in_an_image_with_python_mpi_uses_none_of_it() -> None:
    program = {"argv0": "hostname", "path": "/usr/bin/hostname", "kind": "elf"}
    made = plan(image(users=(CHOOSER,), program=program), resources=SERIAL)
    assert way(made) == ("none", "none", None)
    assert made.environment == {}


def test_choice_program_that_loads_no_mpi_is_not_copied_in_silence_beside_an_mpi() -> None:
    """It may be linked to an MPI statically: under the wrong PMI each copy would exit 0."""
    program = {"argv0": "solver", "path": "/opt/solver", "arch": "x86_64", "kind": "elf"}
    facts = image(*IMAGES["debian13-openmpi-5.0.7"].mpi, program=program)
    assert (way(plan(facts)), codes(plan(facts))) == (None, ["HPR204"])
    assert way(plan(facts, resources=SERIAL)) == ("none", "none", None)
    allow = {"rule": "HPR204", "because": "MPICH is linked in"}
    wish = {"model": "hybrid", "pmi": "pmi2"}
    assert way(plan(facts, mpi=wish, allow=(allow,))) == ("hybrid", "pmi2", None)


def test_choice_program_that_cannot_find_the_images_library_takes_a_host_stack() -> None:
    lost = user("libmpi.so.40", library=None)
    facts = image(*IMAGES["debian13-openmpi-5.0.7"].mpi, users=(lost,))
    assert way(plan(facts)) == ("bind", "pmix", "openmpi-5.0.11")
    found = plan(facts, env={"LD_LIBRARY_PATH": "/opt/ompi/lib"})
    assert way(found) == ("hybrid", "pmix", None)


def test_choice_mpi_none_runs_a_program_beside_others_that_lack_their_mpi() -> None:
    program = {"argv0": "python3", "path": "/usr/bin/python3", "arch": "x86_64", "kind": "elf"}
    facts = image(users=(user("libmpi.so.40"),), program=program)
    assert way(plan(facts, mpi={"model": "none"})) == ("none", "none", None)
    own = image(users=(user("libmpi.so.40"),))
    assert codes(plan(own, mpi={"model": "none"})) == ["HPR204"]


MISSING = [
    # the job's command, its PATH, whether the image was read whole: what is said
    ("solver", None, True, Severity.ERROR),
    ("/opt/solver", None, True, Severity.ERROR),
    ("solver", "/opt/bin", True, Severity.WARNING),
    ("solver", None, False, Severity.WARNING),
    ("/home/anna/solver", None, True, Severity.WARNING),
    ("/tmp/solver", None, True, Severity.WARNING),
]


@pytest.mark.parametrize(("argv0", "path", "is_complete", "severity"), MISSING)
def test_program_that_is_not_in_the_image_is_refused_where_that_is_sure(
    argv0: str, path: str | None, is_complete: bool, severity: Severity
) -> None:
    program = {"argv0": argv0, "path": None, "kind": "missing"}
    facts = IMAGES["debian13-openmpi-5.0.7"]
    facts = image(*facts.mpi, users=facts.mpi_users, program=program, is_complete=is_complete)
    made = plan(facts, command=(argv0,), env={"PATH": path} if path else {})
    assert [(d.code, d.severity) for d in made.diagnostics] == [("HPR208", severity)]
    assert made.is_refused == (severity is Severity.ERROR)


def test_choice_mpi_none_starts_independent_copies() -> None:
    made = plan(IMAGES["no-mpi"], mpi={"model": "none"})
    assert way(made) == ("none", "none", None)


def test_choice_serial_openmpi_5_goes_on_alone_where_no_pmi_is_offered() -> None:
    here = {"scheduler": {"mpi_types": ["none"]}, "mpi_stacks": {}}
    assert way(plan(IMAGES["debian13-openmpi-5.0.7"], here, resources=SERIAL)) == (
        *("none", "none"),
        None,
    )


def test_choice_serial_openmpi_4_may_stop_alone_so_it_is_refused() -> None:
    here = {"scheduler": {"mpi_types": ["none"]}, "mpi_stacks": {}}
    made = plan(IMAGES["debian12-openmpi-4.1.4"], here, resources=SERIAL)
    assert (way(made), codes(made)) == (None, ["HPR401"])


WISHES: dict[str, tuple[dict[str, str], Any]] = {
    "bind": ({"model": "bind"}, ("bind", "pmix", "openmpi-5.0.11")),
    "pmix-version": ({"pmi": "pmix_v5"}, ("hybrid", "pmix_v5", None)),
    "srun": ({"launcher": "srun"}, ("hybrid", "pmix", None)),
    "image-fabric": ({"fabric": "image"}, ("hybrid", "pmix", None)),
    "wrong-pmi": ({"pmi": "pmi2"}, None),
    "type-that-is-not-offered": ({"pmi": "pmix_v2"}, None),
    "mpirun": ({"launcher": "mpirun"}, None),
    "contained": ({"model": "contained"}, None),
    "injected-fabric": ({"fabric": "injected"}, None),
}


@pytest.mark.parametrize(("wish", "answer"), WISHES.values(), ids=WISHES)
def test_choice_keeps_to_the_jobs_wishes(wish: dict[str, str], answer: object) -> None:
    facts = openmpi_image("5.0.7", "5.0.7")
    made = plan(facts, mpi=wish)
    assert way(made) == answer
    assert made.is_refused == (answer is None)


def test_choice_emulated_is_never_taken_for_a_native_image() -> None:
    assert plan(IMAGES["debian13-openmpi-5.0.7"], execution="emulated").is_refused


def test_image_named_for_another_processor_than_its_own_is_refused() -> None:
    facts = IMAGES["debian13-openmpi-5.0.7"]
    named = job(image={"by_arch": {"arm64": {"ref": str(facts.path)}}})
    made = plan_job(named, site(), {"arm64": facts}, STACKS)
    assert (way(made), codes(made)) == (None, ["HPR206"])


ARM_HANDLER = {"arch": "aarch64", "emulator": "qemu-user", "version": "10.0", "flags": "F"}


@pytest.mark.parametrize(
    ("handlers", "expected"), [([ARM_HANDLER], "HPR401"), ([], "HPR202")], ids=["some", "none"]
)
def test_refused_foreign_image_is_not_told_to_be_foreign_where_nodes_emulate_it(
    handlers: list[dict[str, str]], expected: str
) -> None:
    program = {"argv0": "python3", "path": "/usr/bin/python3", "arch": "aarch64", "kind": "elf"}
    openmpi = OPENMPI.model_copy(update={"arch": "aarch64"})
    arm = image(openmpi, users=(CHOOSER,), arch="aarch64", program=program)
    classes = {"compute": {"arch": "x86_64", "emulation": handlers}}
    scheduler = site().scheduler.to_json() | {"mpi_types": ["none", "pmi2"]}
    here = site(scheduler=scheduler, node_classes=classes)
    made = plan_job(job(), here, {"arm64": arm}, STACKS)
    assert (way(made), codes(made)) == (None, [expected])


def test_choice_native_variant_comes_before_an_emulated_one() -> None:
    arm = openmpi_image("5.0.7", "5.0.7", arch="aarch64")
    native = IMAGES["debian13-openmpi-5.0.7"]
    here = site(node_classes={"compute": {"arch": "x86_64", "emulation": [ARM_HANDLER]}})
    made = plan_job(job(), here, {"arm64": arm, "amd64": native}, STACKS)
    assert made.chosen is not None
    assert (made.chosen.image_arch, made.chosen.execution) == ("amd64", "native")
    assert made.image.arch == "amd64"


def test_choice_plain_pmix_comes_before_newer_and_older_variants() -> None:
    scheduler = site().scheduler.to_json()
    types = ["pmix_v3", "pmix_v5", "pmix_v4"]
    facts = IMAGES["debian13-openmpi-5.0.7"]
    with_plain = plan(facts, {"scheduler": scheduler | {"mpi_types": [*types, "pmix"]}})
    without = plan(facts, {"scheduler": scheduler | {"mpi_types": types}})
    assert way(with_plain) == ("hybrid", "pmix", None)
    assert way(without) == ("hybrid", "pmix_v5", None)


def test_choice_unknown_is_refused_unless_every_reason_is_allowed() -> None:
    lib = library("openmpi", "5.0.7", "libmpi.so.40")
    facts = image(lib, users=(user("libmpi.so.40"),))
    here: dict[str, Any] = {"mpi_stacks": {}}
    refused = plan(facts, here)
    allowed = plan(facts, here, allow=({"rule": "HPR402", "because": "tried"},))
    other = plan(facts, here, allow=({"rule": "HPR401", "because": "tried"},))
    assert (way(refused), codes(refused)) == (None, ["HPR402"])
    assert way(allowed) == ("hybrid", "pmix", None)
    assert [d.allowed_because for d in allowed.diagnostics] == ["tried"]
    assert (way(other), codes(other)) == (None, ["HPR004", "HPR402"])


def test_choice_compatible_way_is_taken_before_an_allowed_unknown_one() -> None:
    lib = library("openmpi", "5.0.7", "libmpi.so.40")
    facts = image(lib, users=(user("libmpi.so.40"),))
    made = plan(facts, allow=({"rule": "HPR402", "because": "tried"},))
    assert way(made) == ("bind", "pmix", "openmpi-5.0.11")
    assert codes(made) == ["HPR004"]


def test_choice_image_that_was_not_read_is_unknown_not_absent() -> None:
    facts = image(is_complete=False, unread=("lzo is not read",), program=None)
    made = plan(facts)
    assert way(made) is None
    assert "incompatible" not in {
        c.verdict for c in made.candidates if c.model == "hybrid" and c.srun_mpi == "pmix" and
        c.execution == "native"
    }  # fmt: skip


def test_refused_plan_names_no_chosen_way_and_no_why() -> None:
    made = plan(IMAGES["debian13-openmpi-5.0.7"], resources={"nodes": 3, "tasks": 3})
    assert (made.chosen, made.why, codes(made)) == (None, (), ["HPR106"])


def test_refused_plan_speaks_of_no_emulation_where_nobody_knows_the_nodes_processor() -> None:
    node = {"cores": 4, "memory_mib": 4000, "fabric": {"kind": "efa"}}
    here = site(node_classes={"compute": node}, scheduler={"version": "24.11.5"})
    made = plan_job(job(), here, {"amd64": IMAGES["debian12-mpich-4.0.2"]}, {})
    assert "HPR202" in {each.code for each in made.diagnostics}
    assert not any("emulated" in each.message for each in made.diagnostics)
