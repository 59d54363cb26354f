"""A plan for files here becomes one for their copies, whatever its run will be called."""

from pathlib import Path, PurePosixPath

from hpcrun.model.plan import PlannedMount
from hpcrun.model.staging import IMAGE_TIME_S, SentImage, Transfer
from hpcrun.planner.relocate import relocate
from hpcrun.render import RunPlace, render_script, script_sha256
from tests.golden.script.make_case import plan as make_plan

HERE = Path("/home/anna/brain")
SENT = SentImage(file=HERE / "a.sif", sha256="0" * 64, at_site=Path("/far/images/0.sif"))


def mount(host: Path, container: str) -> PlannedMount:
    return PlannedMount(host=host, container=PurePosixPath(container), mode="rw", why="")


PLAN = make_plan(
    workdir=HERE,
    mounts=(
        mount(HERE, str(HERE)),
        mount(HERE / "data", "/data"),
        mount(Path("/scratch/atlas"), "/atlas"),
    ),
)


def test_nothing_to_send_leaves_the_plan_alone() -> None:
    assert relocate(PLAN, Transfer()) == PLAN


def test_image_is_the_one_that_was_sent() -> None:
    image = relocate(PLAN, Transfer(image=SENT)).image
    assert (image.path, image.mtime_ns) == (SENT.at_site, IMAGE_TIME_S * 10**9)


def test_working_folder_and_what_is_in_it_go_along_and_the_site_s_own_stays() -> None:
    moved = relocate(PLAN, Transfer(workdir=HERE))
    assert moved.workdir == Path("work")
    assert [(str(m.host), str(m.container)) for m in moved.mounts] == [
        ("work", "work"),
        ("work/data", "/data"),
        ("/scratch/atlas", "/atlas"),
    ]


def test_script_finds_the_working_folder_in_its_run() -> None:
    moved = relocate(PLAN, Transfer(workdir=HERE))
    script = render_script(moved, place=RunPlace(Path("/far/runs/x"), "x", "t"))
    assert '#SBATCH --chdir="/far/runs/x/work"' in script
    assert "\nworkdir=/far/runs/x/work\n" in script
    assert "type=bind,source=/far/runs/x/work,destination=/far/runs/x/work " in script
    assert str(HERE) not in script.replace(str(HERE / "image.sif"), "")
    assert script_sha256(moved) == script_sha256(relocate(PLAN, Transfer(workdir=HERE)))
