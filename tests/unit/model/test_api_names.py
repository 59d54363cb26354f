"""Sets of MPI symbols are kept short and give back each name."""

from hypothesis import given
from hypothesis import strategies as st

from hpcrun.model.api_names import ApiNames

NAMES = (
    "MPI_Comm_accept",
    "PMPI_Comm_accept",
    "MPI_Comm_rank",
    "PMPI_Comm_rank",
    "MPI_Init",
    "mpi_init",
    "mpi_init_",
    "mpi_init__",
    "MPI_INIT",
    "pmpi_init_",
    "PMPI_INIT",
    "ompi_mpi_int",
    "__mpi_f08_types_MOD_mpi_comm_world",
)


def test_names_are_folded_by_their_forms_and_starts() -> None:
    assert ApiNames.of(NAMES).by_form == {
        "C": {"": "__mpi_f08_types_MOD_mpi_comm_world", "MPI_": "Init", "ompi_mpi_": "int"},
        "C PC": {"MPI_Comm_": "accept rank"},
        "F f f_ f__ pF pf_": {"mpi_": "init"},
    }


def test_names_come_back_whole() -> None:
    assert ApiNames.of(NAMES).names == set(NAMES)
    assert ApiNames.of(()).names == frozenset()


@given(st.sets(st.from_regex(r"[pP]?([mM][pP][iI]X?_)?[A-Za-z0-9_]{1,20}", fullmatch=True)))
def test_any_names_come_back_whole(names: set[str]) -> None:
    assert ApiNames.model_validate(ApiNames.of(names).to_json()).names == names
