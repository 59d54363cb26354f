"""Why the chosen candidate was chosen, in sentences for people; does not choose."""

from hpcrun.compat.evidence import library_found, user_found
from hpcrun.compat.pmi import abilities_used
from hpcrun.planner.candidates import Shape
from hpcrun.planner.choose import Choice
from hpcrun.planner.judge import Judgement
from hpcrun.planner.question import Question


def explain_choice(question: Question, choice: Choice) -> tuple[str, ...]:
    """Return the sentences: which MPI, how its ranks find each other, and what is emulated."""
    shape, judgement = choice.shape, choice.judgement
    if shape is None or judgement is None:
        return ()
    sentences = [_which_mpi(question, shape, judgement)]
    if judgement.client is not None and shape.srun_mpi is not None:
        used = abilities_used(judgement.client, shape.srun_mpi)
        for ability in used[:1]:
            version = "" if ability.version == "unknown" else f" {ability.version}"
            sentences.append(
                f"its ranks find each other by {ability.kind}{version}, "
                f"which `--mpi={shape.srun_mpi}` serves ({ability.evidence})"
            )
    if shape.execution == "emulated":
        sentences.append(f"the nodes run {shape.image_arch} programs through a registered emulator")
    return tuple(sentences)


def _which_mpi(question: Question, shape: Shape, judgement: Judgement) -> str:
    facts = question.images[shape.image_arch]
    need = question.needs[shape.image_arch]
    if shape.model == "none":
        if question.job.mpi.model == "none":
            return f"the job asks for {question.n_tasks} tasks without MPI"
        if need.is_absent:
            return "nothing in the image needs MPI, and one task is asked for"
        return "one task is asked for, which needs no other rank"
    if shape.model == "hybrid":
        library = judgement.library
        held = library_found(facts, library) if library else "an MPI library of one family"
        return f"the image brings its own MPI: {held}"
    lacking = user_found(facts, need.users[0])
    finds = "the program finds no MPI library in the image"
    lacks = finds if facts.mpi else "the image has no MPI library"
    without = "the host's MPI is used" if need.libraries else lacks
    return f"{without}; {lacking}; host stack `{shape.mpi_stack}` has one that fits"
