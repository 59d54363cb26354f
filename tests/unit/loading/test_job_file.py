from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from hpcrun.errors import InputError, MissingInputError
from hpcrun.loading import load_job, load_job_with_positions
from hpcrun.model.job import Allow, ImageRef, JobMount, MpiWish, Resources, Submit

WHOLE = """\
version: 1
name: brain-registration
image: registration.sif
command: [python3, /opt/register.py, --fixed, t1.nii.gz, --levels, 3, --tolerance, 0.5]
resources:
  nodes: 2
  tasks: 4
  cpus_per_task: 1
  memory_per_node: 2 GiB
  gpus_per_node: 0
  walltime: 00:10:00
  extra: {licenses: "fsl:1", exclusive: true, nice: 100}
mpi: auto
execution: auto
mounts: [{host: /data/brains, container: /data, mode: ro}, {host: here, container: /here}]
env: {OMP_NUM_THREADS: "1", MODE: yes, N: 4}
workdir: .
stage_in: [run.py, "data/*.nii"]
stage_out: []
submit: {site: auto, partition: main, account: neuro, qos: normal, constraint: "", reservation: ""}
gate: auto
allow: [{rule: HPR402, because: "tried by hand on 2026-11-20"}]
"""
LEAST = "version: 1\nname: a\nimage: a.sif\ncommand: [a]\n"


def write(folder: Path, text: str) -> Path:
    path = folder / "job.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_load_job_reads_every_key(tmp_path: Path) -> None:
    job = load_job(write(tmp_path, WHOLE))
    assert job.model_dump() == {
        "version": 1,
        "name": "brain-registration",
        "image": {
            "any_arch": {"ref": str(tmp_path / "registration.sif"), "sha256": None},
            "by_arch": {},
        },
        "command": (
            *("python3", "/opt/register.py", "--fixed", "t1.nii.gz"),
            *("--levels", "3", "--tolerance", "0.5"),
        ),
        "script": None,
        "resources": Resources(
            nodes=2,
            tasks=4,
            cpus_per_task=1,
            memory_per_node_mib=2048,
            gpus_per_node=0,
            walltime_s=600,
            extra={"licenses": "fsl:1", "exclusive": "", "nice": "100"},
        ).model_dump(),
        "mpi": MpiWish().model_dump(),
        "execution": "auto",
        "mounts": (
            JobMount(
                host=Path("/data/brains"), container=PurePosixPath("/data"), mode="ro"
            ).model_dump(),
            JobMount(host=tmp_path / "here", container=PurePosixPath("/here")).model_dump(),
        ),
        "env": {"OMP_NUM_THREADS": "1", "MODE": "yes", "N": "4"},
        "workdir": tmp_path,
        "stage_in": ("run.py", "data/*.nii"),
        "stage_out": (),
        "submit": Submit(partition="main", account="neuro", qos="normal").model_dump(),
        "gate": "auto",
        "allow": (Allow(rule="HPR402", because="tried by hand on 2026-11-20").model_dump(),),
        "file": tmp_path / "job.yaml",
    }


def test_load_job_with_least_keys_takes_defaults(tmp_path: Path) -> None:
    job = load_job(write(tmp_path, LEAST))
    assert job.resources == Resources()
    assert job.workdir == tmp_path
    assert job.argv == ("a",)


def test_load_job_relative_path_gives_absolute_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, LEAST)
    monkeypatch.chdir(tmp_path.parent)
    job = load_job(f"{tmp_path.name}/../{tmp_path.name}/job.yaml")
    assert (job.file, job.workdir) == (tmp_path / "job.yaml", tmp_path)


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ("../a.sif", {"any_arch": ImageRef(ref="{parent}/a.sif")}),
        ("/images//a.sif", {"any_arch": ImageRef(ref="/images/a.sif")}),
        ("docker://debian:12", {"any_arch": ImageRef(ref="docker://debian:12")}),
        ("library://a/b/c:1", {"any_arch": ImageRef(ref="library://a/b/c:1")}),
        ("unpacked", {"any_arch": ImageRef(ref="{here}/unpacked")}),
        (
            "{ref: a.sif, sha256: " + "0a" * 32 + "}",
            {"any_arch": ImageRef(ref="{here}/a.sif", sha256="0a" * 32)},
        ),
        (
            "{arm64: b.sif, amd64: {ref: a.sif}}",
            {
                "by_arch": {
                    "amd64": ImageRef(ref="{here}/a.sif"),
                    "arm64": ImageRef(ref="{here}/b.sif"),
                }
            },
        ),
    ],
)
def test_image_in_each_form(tmp_path: Path, image: str, expected: dict[str, Any]) -> None:
    job = load_job(write(tmp_path, LEAST.replace("a.sif", image)))
    given = job.image.model_dump_json(exclude_defaults=True)
    wanted = job.image.model_validate(expected).model_dump_json(exclude_defaults=True)
    places = {"{here}": str(tmp_path), "{parent}": str(tmp_path.parent)}
    for name, place in places.items():
        wanted = wanted.replace(name, place)
    assert wanted == given


@pytest.mark.parametrize(
    ("mpi", "expected"),
    [
        ("none", MpiWish(model="none")),
        ("auto", MpiWish()),
        ("{model: bind, launcher: mpirun, pmi: pmix_v5}",
         MpiWish(model="bind", launcher="mpirun", pmi="pmix_v5")),
        ("{}", MpiWish()),
    ],
)  # fmt: skip
def test_mpi_in_each_form(tmp_path: Path, mpi: str, expected: MpiWish) -> None:
    assert expected == load_job(write(tmp_path, f"{LEAST}mpi: {mpi}\n")).mpi


@pytest.mark.parametrize(
    ("walltime", "seconds"),
    [
        ("12:30:00", 45000),
        ('"12:30:00"', 45000),
        ("90", 5400),
        ("10:30", 630),
        ("1-12", 129600),
        ("90 min", 5400),
        ("1.5 h", 5400),
    ],
)
def test_walltime_unquoted_is_a_duration(tmp_path: Path, walltime: str, seconds: int) -> None:
    job = load_job(write(tmp_path, f"{LEAST}resources: {{walltime: {walltime}}}\n"))
    assert seconds == job.resources.walltime_s


def test_submit_site_as_path_starts_at_the_job_file(tmp_path: Path) -> None:
    job = load_job(write(tmp_path, f"{LEAST}submit: {{site: ./fjord.yaml}}\n"))
    assert job.submit.site == str(tmp_path / "fjord.yaml")


def test_script_keeps_its_lines(tmp_path: Path) -> None:
    text = LEAST.replace("command: [a]", "script: |\n  echo $HOME\n  exit 3")
    assert load_job(write(tmp_path, text)).script == "echo $HOME\nexit 3\n"


def test_load_job_accepts_byte_order_mark_and_windows_lines(tmp_path: Path) -> None:
    path = tmp_path / "job.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + LEAST.replace("\n", "\r\n").encode())
    assert load_job(path).name == "a"


def test_positions_name_line_column_and_text(tmp_path: Path) -> None:
    path = write(tmp_path, WHOLE)
    _, positions = load_job_with_positions(path)
    place = positions.at("resources.walltime")
    assert place is not None
    assert place.model_dump() == {
        "file": str(path),
        "inner_path": None,
        "line": 11,
        "column": 13,
        "length": 8,
        "source_line": "  walltime: 00:10:00",
    }


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("mpi", (13, 6)),
        ("mounts.1.container", (15, 84)),
        ("command.1", (4, 20)),
        ("env.N", (16, 43)),
        ("mpi.model", None),
        ("colour", None),
    ],
)
def test_positions_by_dotted_path(tmp_path: Path, path: str, place: tuple[int, int] | None) -> None:
    _, positions = load_job_with_positions(write(tmp_path, WHOLE))
    found = positions.at(path)
    assert place == (found and (found.line, found.column))


def test_positions_nearest_falls_back_to_what_is_above(tmp_path: Path) -> None:
    _, positions = load_job_with_positions(write(tmp_path, WHOLE))
    assert positions.nearest("mpi.model") == positions.at("mpi")
    assert positions.nearest("retry.0") is None


def test_positions_of_a_key(tmp_path: Path) -> None:
    _, positions = load_job_with_positions(write(tmp_path, WHOLE))
    place = positions.key_at("env.OMP_NUM_THREADS")
    assert place is not None
    assert (place.line, place.column, place.length) == (16, 7, 15)


def test_text_is_the_one_that_was_read(tmp_path: Path) -> None:
    file = write(tmp_path, WHOLE)
    _, positions = load_job_with_positions(file)
    file.write_text("another")
    assert positions.text == WHOLE


def test_file_not_there_is_missing_input(tmp_path: Path) -> None:
    for path in (tmp_path / "none.yaml", write(tmp_path, LEAST) / "below"):
        with pytest.raises(MissingInputError):
            load_job(path)


def test_folder_is_no_job_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is a folder"):
        load_job(tmp_path)


def test_large_file_is_refused_unread(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="larger than 256 KiB"):
        load_job(write(tmp_path, LEAST + "#" * 300_000))


def test_many_problems_are_counted_and_cut(tmp_path: Path) -> None:
    with pytest.raises(InputError) as error:
        load_job(write(tmp_path, LEAST + "".join(f"key{n}: 1\n" for n in range(1000))))
    assert error.value.message.endswith("1000 problems, the first 200 are shown")
    assert len(error.value.diagnostics) == 200


def test_problems_come_by_line(tmp_path: Path) -> None:
    text = LEAST + "zebra: 1\nresources: {nodes: 0, tasks: x}\nape: 1\n"
    with pytest.raises(InputError) as error:
        load_job(write(tmp_path, text))
    places = [(d.location.line, d.location.column) for d in error.value.diagnostics]
    assert places == [(5, 1), (6, 20), (6, 30), (7, 1)]


@pytest.mark.parametrize("pattern", ["/data", "../data", "a/../../b", ".."])
def test_what_travels_begins_in_the_working_folder(tmp_path: Path, pattern: str) -> None:
    with pytest.raises(InputError) as caught:
        load_job(write(tmp_path, f"{LEAST}stage_in: [{pattern}]\n"))
    assert "in the working folder" in caught.value.diagnostics[0].message
