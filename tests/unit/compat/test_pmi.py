"""Will the ranks find each other: every measured cell of the hybrid table, and what is unknown."""

from typing import Any

import pytest

from hpcrun.compat.pmi import PmiClient, abilities_used, check_pmi
from hpcrun.model.base import Unknown
from hpcrun.model.image import Family
from hpcrun.model.verdict import Answer, Verdict
from tests.unit.planner.measured import IMAGES, ability, site

OK, NO, UNKNOWN = Answer.COMPATIBLE, Answer.INCOMPATIBLE, Answer.UNKNOWN
ALONE = "each rank would run alone and exit 0"
STOPS = "every rank would stop in MPI_Init"

# Slurm 24.11.5 with PMIx 5.0.7, two nodes: what really happened.
MEASURED = {
    ("debian13-openmpi-5.0.7", "pmix"): None,
    ("debian13-openmpi-5.0.7", "pmi2"): ALONE,
    ("debian13-openmpi-5.0.7", "none"): ALONE,
    ("debian12-openmpi-4.1.4", "pmix"): None,
    ("debian12-openmpi-4.1.4", "pmi2"): STOPS,
    ("debian12-openmpi-4.1.4", "none"): STOPS,
    ("debian11-openmpi-4.1.0", "pmix"): None,
    ("debian11-openmpi-4.1.0", "pmi2"): STOPS,
    ("debian11-openmpi-4.1.0", "none"): STOPS,
    ("debian12-mpich-4.0.2", "pmix"): ALONE,
    ("debian12-mpich-4.0.2", "pmi2"): None,
    ("debian12-mpich-4.0.2", "none"): ALONE,
    ("debian13-mpich-4.2.1", "pmix"): ALONE,
    ("debian13-mpich-4.2.1", "pmi2"): None,
    ("debian13-mpich-4.2.1", "none"): ALONE,
}


def client(image: str) -> PmiClient:
    lib = IMAGES[image].mpi[0]
    return PmiClient(family=lib.family, version=lib.version, abilities=lib.pmi, found="lib")


def of_versions(version: str, **more: Any) -> PmiClient:
    abilities = (ability("pmix", version),)
    known = PmiClient(family=Family.OPENMPI, version="5.0.7", abilities=abilities, found="lib")
    return known._replace(**more)


def server(version: str, slurm: str = "24.11.5") -> dict[str, object]:
    return {"version": slurm, "mpi_types": ("pmix",), "pmix": {"server": version}}


def check_with(version: str, server_version: str, slurm: str = "24.11.5") -> Verdict:
    here = site(scheduler=server(server_version, slurm))
    return check_pmi(of_versions(version), "pmix", here)


@pytest.mark.parametrize(
    ("image", "srun_type", "outcome"),
    [(*cell, outcome) for cell, outcome in MEASURED.items()],
    ids=[f"{image}-{srun_type}" for image, srun_type in MEASURED],
)
def test_pmi_measured_cell_is_predicted(image: str, srun_type: str, outcome: str | None) -> None:
    verdict = check_pmi(client(image), srun_type, site())
    if outcome is None:
        assert verdict.answer is OK
        return
    assert verdict.answer is NO
    assert [reason.code for reason in verdict.reasons] == ["HPR401"]
    assert verdict.reasons[0].message.endswith(outcome)


def test_pmi_type_openmpi_is_never_taken_for_pmi() -> None:
    here = site(scheduler={"mpi_types": ("openmpi", "pmix"), "pmix": {"server": "5.0.7"}})
    assert check_pmi(client("debian13-openmpi-5.0.7"), "openmpi", here).answer is NO


PAIRS = {
    # client, server: answer (abi.md 4.2, 4.3; measured where it says so)
    ("5.0.7", "5.0.7"): OK,
    ("4.2.2", "5.0.7"): OK,
    ("4.0.0", "5.0.7"): OK,
    ("5.0.11", "3.2.5"): OK,
    ("3.2.5", "5.0.7"): OK,
    ("1.2.5", "5.0.7"): NO,
    ("1.1.4", "4.0.0"): NO,
    ("1.2.5", "2.0.3"): OK,
    ("1.2.5", "1.2.5"): OK,
    ("1.1.4", "2.0.3"): UNKNOWN,
    ("3.1.5", "1.2.5"): NO,
    ("3.1.5", "2.0.3"): NO,
    ("3.1.5", "5.0.7"): UNKNOWN,
    ("2.1.4", "3.2.3"): UNKNOWN,
    ("6.1.0", "5.0.7"): UNKNOWN,
    ("5.0.7", "6.1.0"): UNKNOWN,
    ("5.0.8", "5.0.7"): OK,
    ("5.0.8", "5.0.8"): UNKNOWN,
    ("5.0.9", "5.0.9"): UNKNOWN,
    ("7.0.0rc1", "5.0.7"): OK,
    ("7.0.0rc1", "6.1.0"): UNKNOWN,
    ("5.0.11rc1", "5.0.7"): OK,
}


@pytest.mark.parametrize(
    ("versions", "answer"), PAIRS.items(), ids=[f"client{c}-server{s}" for c, s in PAIRS]
)
def test_pmix_pair_has_the_tabled_answer(versions: tuple[str, str], answer: Answer) -> None:
    assert check_with(*versions).answer is answer


@pytest.mark.parametrize(("slurm", "answer"), [("25.05.2", NO), ("25.05.4", UNKNOWN)])
def test_pmix_old_client_under_the_slurm_that_broke_it(slurm: str, answer: Answer) -> None:
    assert check_with("3.0.2", "4.2.6", slurm=slurm).answer is answer


def test_pmix_hanging_client_under_mended_slurm_is_compatible() -> None:
    assert check_with("5.0.9", "5.0.9", slurm="25.11.2").answer is OK


@pytest.mark.parametrize(
    ("version", "server_version", "side"),
    [("unknown", "5.0.7", "client"), ("5.0.7", "unknown", "server")],
)
def test_pmix_unknown_version_is_unknown(version: str, server_version: str, side: str) -> None:
    verdict = check_with(version, server_version)
    assert verdict.answer is UNKNOWN
    assert verdict.reasons[0].code == "HPR405"
    assert verdict.reasons[0].message == f"cannot tell the version of the PMIx {side}"


def test_pmix_unknown_version_of_a_stack_that_the_profile_vouches_for_is_compatible() -> None:
    vouched = of_versions("unknown", is_vouched=True)
    assert check_pmi(vouched, "pmix", site()).answer is OK


def test_pmi_unknown_abilities_are_unknown() -> None:
    verdict = check_pmi(of_versions("5.0.7", abilities="unknown"), "pmix", site())
    assert (verdict.answer, verdict.reasons[0].code) == (UNKNOWN, "HPR402")


def test_pmi_type_without_row_is_unknown() -> None:
    here = site(scheduler={"mpi_types": ("cray_shasta",)})
    verdict = check_pmi(client("debian12-mpich-4.0.2"), "cray_shasta", here)
    assert (verdict.answer, verdict.reasons[0].code) == (UNKNOWN, "HPR402")


@pytest.mark.parametrize(
    ("image", "family", "answer", "code"),
    [
        ("debian13-openmpi-5.0.7", Family.OPENMPI, NO, "HPR401"),
        ("debian13-mpich-4.2.1", Family.MPICH, UNKNOWN, "HPR402"),
        ("debian13-mpich-4.2.1", "unknown", UNKNOWN, "HPR402"),
    ],
)
def test_pmi_type_of_one_vendor_is_refused_where_no_build_of_the_family_is_served(
    image: str, family: Family | Unknown, answer: Answer, code: str
) -> None:
    here = site(scheduler={"mpi_types": ("cray_shasta",)})
    library = client(image)._replace(family=family)
    verdict = check_pmi(library, "cray_shasta", here)
    assert (verdict.answer, [reason.code for reason in verdict.reasons]) == (answer, [code])


def test_pmi_unknown_types_of_the_site_are_unknown() -> None:
    here = site(scheduler={"pmix": {"server": "5.0.7"}})
    verdict = check_pmi(client("debian13-openmpi-5.0.7"), "pmix", here)
    assert (verdict.answer, verdict.reasons[0].code) == (UNKNOWN, "HPR401")


def test_pmi_type_that_the_profile_uses_is_offered_where_not_all_are_known() -> None:
    default = {"mpi_default": "pspmix", "pmix": {"server": "5.0.7"}}
    recipe = {"kind": "hybrid", "mpi_type": "pmi2"}
    here = site(scheduler=default, recipes=[recipe])
    assert check_pmi(client("debian13-openmpi-5.0.7"), "pspmix", here).answer is OK
    assert check_pmi(client("debian12-mpich-4.0.2"), "pmi2", here).answer is OK
    other = check_pmi(client("debian13-openmpi-5.0.7"), "pmix", here)
    assert (other.answer, other.reasons[0].code) == (UNKNOWN, "HPR401")


def test_pmi_type_that_the_site_lacks_is_incompatible() -> None:
    here = site(scheduler={"mpi_types": ("none", "pmi2")})
    verdict = check_pmi(client("debian12-mpich-4.0.2"), "pmix_v4", here)
    assert verdict.answer is NO


def test_pmi_mpich_takes_the_kind_that_it_speaks_by_itself() -> None:
    used = abilities_used(client("debian13-mpich-4.2.1"), "pmi2")
    assert [ability.kind for ability in used] == ["pmi1"]


def test_pmi_client_is_named_by_its_implementation() -> None:
    intel = PmiClient(
        family=Family.MPICH,
        version="2021.19.0",
        abilities=(),
        found="lib",
        library_name="Intel MPI",
    )
    assert intel.name == "Intel MPI 2021.19.0"
    assert of_versions("5.0.7").name == "Open MPI 5.0.7"


@pytest.mark.parametrize(
    ("make", "answer"), [("mpich", NO), ("intel-mpi", NO), ("cray-mpich", UNKNOWN)]
)
def test_pmi_type_of_one_vendor_serves_no_other_make(make: str, answer: Answer) -> None:
    """Measured: MPICH and Intel MPI run alone under cray_shasta."""
    here = site(scheduler={"mpi_types": ("cray_shasta",)})
    library = client("debian13-mpich-4.2.1")._replace(implementation=make)
    assert check_pmi(library, "cray_shasta", here).answer is answer


def test_pmi_of_cray_mpich_has_only_the_name_of_slurms() -> None:
    library = client("debian13-mpich-4.2.1")._replace(implementation="cray-mpich")
    verdict = check_pmi(library, "pmi2", site())
    assert (verdict.answer, [reason.code for reason in verdict.reasons]) == (UNKNOWN, ["HPR402"])


@pytest.mark.parametrize(
    ("srun_type", "server_version", "answer"),
    [
        ("pmix", "5.0.7", OK),
        ("pmix_v5", "5.0.7", OK),
        ("pmix_v4", "5.0.7", OK),
        ("pmix_v3", "5.0.7", UNKNOWN),
        ("pmix_v1", "5.0.7", NO),
        ("pmix_v4", "unknown", OK),
    ],
)
def test_pmix_plugin_that_is_named_with_its_version_is_that_server(
    srun_type: str, server_version: str, answer: Answer
) -> None:
    facts = {"mpi_types": (srun_type,), "pmix": {"server": server_version}}
    assert check_pmi(of_versions("5.0.7"), srun_type, site(scheduler=facts)).answer is answer


MODULES = {
    # psec of client and server, gds of client and server: answer, and whether it is refused
    "native": ("native", "native munge", "hash", "hash shmem2", OK),
    "none counts for nothing": ("none munge", "none native", "hash", "hash", NO),
    "munge on the server alone": ("native", "munge", "hash", "hash", NO),
    "munge is all in common": ("munge native", "munge", "hash", "hash", UNKNOWN),
    "no data store": ("native", "native", "ds21", "shmem2", NO),
    "stores differ but for hash": ("native", "native", "ds21 hash", "hash shmem2", OK),
    "client not read": ("unknown", "native munge", "unknown", "hash", OK),
    "client not read, munge alone": ("unknown", "munge", "unknown", "hash", UNKNOWN),
}


@pytest.mark.parametrize(
    ("psec", "server_psec", "gds", "server_gds", "answer"), MODULES.values(), ids=MODULES
)
def test_pmix_modules_need_one_in_common(
    psec: str, server_psec: str, gds: str, server_gds: str, answer: Answer
) -> None:
    def told(words: str) -> Any:
        return words if words == "unknown" else tuple(words.split())

    modules = {"psec": told(psec), "gds": told(gds)}
    known = of_versions("5.0.7", abilities=(ability("pmix", "5.0.7").model_copy(update=modules),))
    pmix = {"server": "5.0.7", "psec": told(server_psec), "gds": told(server_gds)}
    verdict = check_pmi(known, "pmix", site(scheduler={"mpi_types": ("pmix",), "pmix": pmix}))
    assert verdict.answer is answer
    assert verdict.refuses is (answer is NO)
    assert answer is OK or verdict.reasons[0].code == "HPR413"
