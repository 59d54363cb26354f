"""Intel MPI under srun, and the variable by which it loads a PMI library of the host."""

import pytest

from hpcrun.compat.intel_pmi import VARIABLE, check_pmi_library
from hpcrun.compat.pmi import PmiClient
from hpcrun.model.image import Family
from hpcrun.model.verdict import Answer

OK, NO, UNKNOWN = Answer.COMPATIBLE, Answer.INCOMPATIBLE, Answer.UNKNOWN


@pytest.mark.parametrize(
    ("make", "job", "image", "answer"),
    [
        ("intel-mpi", None, None, OK),
        ("intel-mpi", "", None, NO),
        ("intel-mpi", None, "", NO),
        ("intel-mpi", "/usr/lib/libpmi2.so", None, UNKNOWN),
        ("intel-mpi", "/opt/slurm/lib/libpmi2.so", None, OK),
        ("intel-mpi", "/opt/slurm/lib/libpmi2.so", "", OK),
        ("mpich", "", None, OK),
    ],
)
def test_variable_is_judged_by_what_the_container_sees(
    make: str, job: str | None, image: str | None, answer: Answer
) -> None:
    client = PmiClient(Family.MPICH, "2021.10.0", abilities=(), found="lib", implementation=make)
    given = [("the job", job), ("the image", image)]
    environments = [(whose, {} if v is None else {VARIABLE: v}) for whose, v in given]
    verdict = check_pmi_library(client, environments, ["/opt/slurm"])
    assert verdict.answer is answer
    assert verdict.refuses is (answer is NO)
