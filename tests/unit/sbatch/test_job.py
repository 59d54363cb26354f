"""A script becomes the job that does the same, with the place of each value in the script."""

from pathlib import Path, PurePosixPath

import pytest

from hpcrun.errors import InputError
from hpcrun.model.job import JobMount, MpiWish, Resources, Submit
from hpcrun.sbatch import format_job
from tests.unit.sbatch.scripts import STEP, read, told

HEADER = {
    "#SBATCH -N 2 -n 8": Resources(nodes=2, tasks=8),
    "#SBATCH -N 2 --ntasks-per-node=4": Resources(nodes=2, tasks_per_node=4),
    "#SBATCH -N 2 -n 8 --ntasks-per-node=4": Resources(nodes=2, tasks_per_node=4),
    "#SBATCH -n 8 --ntasks-per-node=4": Resources(nodes=2, tasks_per_node=4),
    "#SBATCH -N 2 -n 6 --ntasks-per-node=4": Resources(nodes=2, tasks=6),
    "#SBATCH -n 2\n#SBATCH -n 4": Resources(tasks=4),
    "#SBATCH -n 2 --mem=2G": Resources(tasks=2, memory_per_node_mib=2048),
    "#SBATCH -n 2 --mem-per-cpu=500": Resources(tasks=2, memory_per_cpu_mib=500),
    "#SBATCH -n 2 -t 1-0": Resources(tasks=2, walltime_s=86400),
    "#SBATCH -n 2 -t 30": Resources(tasks=2, walltime_s=1800),
    "#SBATCH -n 2 --gpus-per-node=4": Resources(tasks=2, gpus_per_node=4),
    "#SBATCH -N 2 -n 2 --gpus=8": Resources(nodes=2, tasks=2, gpus_per_node=4),
    "#SBATCH -n 2 --gres=gpu:a100:2": Resources(tasks=2, gpus_per_node=2),
    "#SBATCH -n 2 --gres=tmpfs:5G": Resources(tasks=2, extra={"gres": "tmpfs:5G"}),
    "#SBATCH -n 2 --hint=nomultithread --exclusive": Resources(
        tasks=2, extra={"hint": "nomultithread", "exclusive": ""}
    ),
    "#SBATCH -n 2 --site-thing=a": Resources(tasks=2, extra={"site-thing": "a"}),
}


@pytest.mark.parametrize(("header", "expected"), HEADER.items(), ids=HEADER)
def test_resources_are_those_of_the_header(
    header: str, expected: Resources, tmp_path: Path
) -> None:
    assert read(tmp_path, f"{header}\n{STEP}\n").job.resources == expected


def test_srun_counts_before_the_header(tmp_path: Path) -> None:
    script = read(tmp_path, "#SBATCH -N 4 -n 16 -c 1\nsrun -N 2 -n 4 -c 3 apptainer exec a.sif b\n")
    assert script.job.resources == Resources(nodes=2, tasks=4, cpus_per_task=3)


def test_further_parts_of_a_heterogeneous_job_are_told(tmp_path: Path) -> None:
    script = read(tmp_path, f"#SBATCH -N 2 -n 4\n#SBATCH hetjob\n#SBATCH -N 9\n{STEP}\n")
    assert script.job.resources == Resources(nodes=2, tasks=4)
    assert told(script.found, "HPR828") == [
        ("a job has one part: what follows is not carried over", 3)
    ]


def test_further_programs_of_one_launch_are_told(tmp_path: Path) -> None:
    text = "srun -n 1 apptainer exec a.sif one : -n 1 apptainer exec b.sif two\n"
    script = read(tmp_path, text)
    assert script.job.command == ("one",)
    assert told(script.found, "HPR827") == [
        ("what stands behind `:` is not carried over: a job has one program", 2)
    ]


def test_commands_that_the_step_may_need_are_told_once(tmp_path: Path) -> None:
    script = read(tmp_path, f"date\nmkdir out\n./prepare.sh\n{STEP} <in.txt\n")
    assert told(script.found, "HPR828") == [
        ("2 commands beside the container step not carried over", 3),
        ("`<in.txt` is not carried over", 5),
    ]


def test_variables_that_srun_sets_are_carried_over(tmp_path: Path) -> None:
    assert read(tmp_path, "srun --export=ALL,A=b apptainer exec a.sif b\n").job.env == {"A": "b"}


def test_name_loses_its_accents(tmp_path: Path) -> None:
    assert read(tmp_path, f"#SBATCH -J 'été à 2'\n{STEP}").job.name == "ete-a-2"


def test_submit_and_name_are_carried_over(tmp_path: Path) -> None:
    header = "#SBATCH -A p1 -p main --qos=q -C zen3 --reservation=r -J 'my job!'"
    job = read(tmp_path, f"{header}\n{STEP}\n").job
    assert job.submit == Submit(
        partition="main", account="p1", qos="q", constraint="zen3", reservation="r"
    )
    assert job.name == "my-job"


def test_name_is_the_scripts_where_it_has_no_other(tmp_path: Path) -> None:
    assert read(tmp_path, STEP).job.name == "job"


LAUNCHES = {
    "srun -n 4 --mpi=pmi2 apptainer exec app.sif a": (4, MpiWish(launcher="srun", pmi="pmi2")),
    "mpirun -np 4 apptainer exec app.sif a": (4, MpiWish()),
    "mpiexec -n 4 --bind-to core singularity exec app.sif a": (4, MpiWish()),
    "mpirun -n 4 -x A=b --mca pml ucx apptainer exec app.sif a": (4, MpiWish()),
    "time srun -n 4 numactl -l apptainer exec app.sif a": (4, MpiWish()),
    "exec srun -n4 env A=b apptainer exec app.sif a": (4, MpiWish()),
    "srun -n 4 bash -c 'apptainer exec app.sif a'": (4, MpiWish()),
    "apptainer exec app.sif mpirun -n 4 a": (4, MpiWish()),
    "apptainer exec app.sif a": (1, MpiWish()),
}


@pytest.mark.parametrize(("line", "expected"), LAUNCHES.items(), ids=LAUNCHES)
def test_launchers_are_read(line: str, expected: tuple[int, MpiWish], tmp_path: Path) -> None:
    job = read(tmp_path, line).job
    assert (job.resources.n_tasks, job.mpi, job.command) == (*expected, ("a",))


def test_image_is_found_through_variables_of_the_script(tmp_path: Path) -> None:
    text = "DIR=images\nIMG=$DIR/app.sif\nmodule load x\nsrun -n 2 apptainer exec $IMG a\n"
    image = read(tmp_path, text).job.image.any_arch
    assert image is not None
    assert image.ref == str(tmp_path / "images" / "app.sif")


def test_image_is_found_through_folders_of_who_submits(tmp_path: Path) -> None:
    text = "srun -n 2 apptainer exec $WORK/app.sif a $TOKEN\n"
    script = read(tmp_path, text, {"WORK": "/work/p1", "TOKEN": "s3cret"})
    assert script.job.image.any_arch is not None
    assert script.job.image.any_arch.ref == "/work/p1/app.sif"
    assert script.job.script is not None
    assert "s3cret" not in script.job.script


def test_image_that_is_not_known_is_refused_at_its_line(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        read(tmp_path, "#SBATCH -n 2\nsrun apptainer exec $IMG a\n")
    assert told(caught.value.diagnostics, "HPR826") == [
        ("cannot tell the image: it rests on what only a run of the script shows", 3)
    ]


def test_word_that_is_not_known_stops_the_job_at_its_start(tmp_path: Path) -> None:
    script = read(tmp_path, 'srun -n 2 apptainer exec a.sif b "$IN" $SLURM_JOB_ID "x y"\n')
    assert script.job.script == (
        ': "${IN:?the sbatch script does not tell it}"\nexec b "$IN" $SLURM_JOB_ID \'x y\'\n'
    )
    assert told(script.found, "HPR826")[0][1] == 2


LOST = {
    "argument": 'run() {\n srun -n 2 apptainer exec a.sif b $1\n}\nrun "$(cat y)"\n',
    "last-command": "srun -n 2 apptainer exec a.sif b $?\n",
    "ansi-quotes": "srun -n 2 apptainer exec a.sif b $'a\\tb'\n",
    "translated": 'srun -n 2 apptainer exec a.sif b $"a"\n',
    "within-bash": 'srun bash -c "apptainer exec a.sif b $UNSET"\n',
    "split": 'C="apptainer exec a.sif b $X"\nsrun -n 2 $C\n',
}


@pytest.mark.parametrize("text", LOST.values(), ids=LOST)
def test_word_that_no_container_can_tell_is_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        read(tmp_path, text)
    assert any(d.code == "HPR826" for d in caught.value.diagnostics)


def test_variable_that_holds_a_variable_stops_the_job_too(tmp_path: Path) -> None:
    script = read(tmp_path, "A=x_$B\nC='apptainer exec a.sif'\nsrun -n 2 $C b $A $SLURM_PROCID\n")
    assert script.job.script == (
        ': "${A:?the sbatch script does not tell it}"\nexec b $A $SLURM_PROCID\n'
    )


def test_arrays_are_followed(tmp_path: Path) -> None:
    text = "OPTS=(--bind /data:/in\n  --env A=b)\nOPTS+=('--nv')\n"
    script = read(tmp_path, text + 'srun -n 2 apptainer exec "${OPTS[@]}" a.sif b c\n')
    assert [str(mount.container) for mount in script.job.mounts] == ["/in"]
    assert script.job.env == {"A": "b"}


def test_container_that_runs_already_is_no_image(tmp_path: Path) -> None:
    text = "srun -n 4 apptainer exec instance://web a\nsrun -n 2 apptainer exec app.sif b\n"
    assert read(tmp_path, text).job.command == ("b",)


PATTERNS = {
    "*.dat '*' a": "exec b *.dat '*' a\n",
    "{1..3}.in": "exec b {1..3}.in\n",
    "$G": "exec b $G\n",
    "~else/in": "exec b ~else/in\n",
}


@pytest.mark.parametrize(("words", "expected"), PATTERNS.items(), ids=PATTERNS)
def test_word_of_which_a_shell_makes_names_is_told_and_left_to_one(
    words: str, expected: str, tmp_path: Path
) -> None:
    script = read(tmp_path, f'G="a*"\nsrun apptainer exec a.sif b {words}\n')
    assert script.job.script is not None
    assert script.job.script.endswith(expected)
    assert told(script.found, "HPR826")


@pytest.mark.parametrize("words", ["{}", "'a*'", '"$G"', "a~", "{a}", "[", "--x=~/y"])
def test_word_that_only_looks_like_a_pattern_stays_a_word(words: str, tmp_path: Path) -> None:
    script = read(tmp_path, f'G="a*"\nsrun apptainer exec a.sif b {words}\n')
    assert script.job.script is None
    assert script.found == ()


SAME = {
    "a\\\nb c\\\n  d": ("ab", "c", "d"),
    "\"$'x'\" '$\"' $": ("$'x'", '$"', "$"),
    "A=~/b 'A=~'/c": ("A=/home/u/b", "A=~/c"),
}


@pytest.mark.parametrize(("words", "expected"), SAME.items(), ids=range(len(SAME)))
def test_words_are_those_of_bash(words: str, expected: tuple[str, ...], tmp_path: Path) -> None:
    script = read(tmp_path, f"srun apptainer exec a.sif b {words}\n", {"HOME": "/home/u"})
    assert script.job.command == ("b", *expected)


def test_loop_over_files_leaves_its_variable_open(tmp_path: Path) -> None:
    script = read(tmp_path, "for f in *.in; do\nsrun apptainer exec a.sif b $f\ndone\n")
    assert script.job.script is not None
    assert script.job.script.endswith("exec b $f\n")


@pytest.mark.parametrize("set_", ["", "I=~/a.sif; D=~\n"])
def test_home_is_known_by_its_sign(set_: str, tmp_path: Path) -> None:
    image, data = ("$I", "$D/d") if set_ else ("~/a.sif", "~/d")
    text = f"{set_}srun apptainer exec -B {data}:/d {image} b {data} '~/c'\n"
    job = read(tmp_path, text, {"HOME": "/home/u"}).job
    assert job.image.any_arch is not None
    assert job.image.any_arch.ref == "/home/u/a.sif"
    assert job.mounts[0].host == Path("/home/u/d")
    assert job.command == ("b", "/home/u/d", "~/c")


MOUNTS = {
    "--bind /data": JobMount(host=Path("/data"), container=PurePosixPath("/data")),
    "-B/data:/in:ro": JobMount(host=Path("/data"), container=PurePosixPath("/in"), mode="ro"),
    "--mount type=bind,src=/data,dst=/in": JobMount(
        host=Path("/data"), container=PurePosixPath("/in")
    ),
}


@pytest.mark.parametrize(("option", "expected"), MOUNTS.items(), ids=MOUNTS)
def test_mounts_are_carried_over(option: str, expected: JobMount, tmp_path: Path) -> None:
    assert read(tmp_path, f"apptainer exec {option} app.sif a").job.mounts == (expected,)


def test_mounts_by_variable_are_carried_over_and_host_parts_are_not(tmp_path: Path) -> None:
    text = (
        "export SINGULARITY_BIND=/pfs,/opt/cray,/usr/lib64/libcxi.so.1\nsingularity exec a.sif b\n"
    )
    script = read(tmp_path, text)
    assert [str(mount.host) for mount in script.job.mounts] == ["/pfs"]
    assert len(told(script.found, "HPR828")) == 2


def test_working_folder_needs_no_mount(tmp_path: Path) -> None:
    assert read(tmp_path, 'apptainer exec -B $PWD --pwd "$PWD" a.sif b').job.mounts == ()


def test_environment_is_what_the_program_would_see(tmp_path: Path) -> None:
    text = (
        "export OMP_NUM_THREADS=4 LD_LIBRARY_PATH=/opt/x/lib\nOTHER=1\n"
        "export APPTAINERENV_A=b SLURM_MPI_TYPE=pmix API_TOKEN=x\n"
        "srun -n 2 apptainer exec --env C=d,E=f a.sif b\n"
    )
    script = read(tmp_path, text)
    assert script.job.env == {"OMP_NUM_THREADS": "4", "A": "b", "C": "d", "E": "f"}


def test_clean_environment_keeps_what_is_meant_for_the_container(tmp_path: Path) -> None:
    text = "export OMP_NUM_THREADS=4 SINGULARITYENV_A=b\nsingularity exec -e a.sif b\n"
    assert read(tmp_path, text).job.env == {"A": "b"}


def test_program_that_starts_elsewhere_is_a_script(tmp_path: Path) -> None:
    assert read(tmp_path, "apptainer exec --pwd /w a.sif b 'c d'").job.script == (
        "cd /w\nexec b 'c d'\n"
    )


def test_run_starts_the_images_own_script(tmp_path: Path) -> None:
    assert read(tmp_path, "apptainer --silent run a.sif b").job.command == (
        "/.singularity.d/runscript",
        "b",
    )


def test_working_folder_is_where_the_script_goes(tmp_path: Path) -> None:
    assert read(tmp_path, f"cd sub\n{STEP}").job.workdir == tmp_path / "sub"
    assert read(tmp_path, f"#SBATCH -D /w\n{STEP}").job.workdir == Path("/w")


def test_relative_names_start_where_the_step_runs(tmp_path: Path) -> None:
    job = read(tmp_path, "#SBATCH -D /w\ncd sub\napptainer exec -B in:/in app.sif a").job
    assert job.image.any_arch is not None
    assert (job.image.any_arch.ref, str(job.mounts[0].host)) == ("/w/sub/app.sif", "/w/sub/in")


def test_submit_folder_is_the_scripts_own(tmp_path: Path) -> None:
    script = read(tmp_path, "cd $SLURM_SUBMIT_DIR\napptainer exec $PWD/a.sif b\n")
    assert script.job.workdir == tmp_path


def test_step_with_most_tasks_is_the_job(tmp_path: Path) -> None:
    steps = ("", "first"), ("srun -n 4 ", "second"), ("srun -n 2 ", "third")
    text = "".join(f"{launcher}apptainer exec a.sif {name}\n" for launcher, name in steps)
    script = read(tmp_path, text)
    assert script.job.command == ("second",)
    assert [line for _, line in told(script.found, "HPR827")] == [2, 4]


def test_values_stand_where_the_script_says_them(tmp_path: Path) -> None:
    script = read(tmp_path, "#SBATCH --nodes=2\nsrun --mpi=pmix -n 4 apptainer exec app.sif a\n")
    places = {
        key: script.positions.nearest(key)
        for key in ("resources.nodes", "resources.tasks", "image", "mpi.pmi", "mpi", "workdir")
    }
    assert {key: (p.line, p.column) for key, p in places.items() if p is not None} == {
        "resources.nodes": (2, 9),
        "resources.tasks": (3, 17),
        "image": (3, 37),
        "mpi.pmi": (3, 6),
        "mpi": (3, 1),
        "workdir": (3, 1),
    }


def test_wrong_value_is_told_at_its_line_in_the_script(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        read(tmp_path, f"#SBATCH -n 2 --time=soon\n{STEP}\n")
    assert told(caught.value.diagnostics, "HPR005") == [
        ("`resources.walltime` must be a duration above zero", 2)
    ]


@pytest.mark.parametrize(
    "text",
    [
        "echo hello\n",
        "srun ./other.sh\n",
        "srun --container-image=a.sqsh b\n",
        "#!/usr/bin/python3\nx = 1\n",
    ],
    ids=["nothing", "another-script", "plugin", "python"],
)
def test_script_without_container_is_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        read(tmp_path, text)
    assert len(told(caught.value.diagnostics, "HPR824")) == 1


SECRETS = {
    "exported": "export HF_TOKEN=hidden$X\n",
    "header": "#SBATCH --export=ALL,HF_TOKEN=hidden\n",
    "runtime": "export APPTAINER_DOCKER_PASSWORD=hidden\n",
    "prefix": "export APPTAINERENV_PGPASSWORD='hidden'\n",
}


@pytest.mark.parametrize("text", SECRETS.values(), ids=SECRETS)
def test_secrets_of_a_script_come_into_no_job_file(text: str, tmp_path: Path) -> None:
    step = "srun --export=ALL,A_SECRET=hidden apptainer exec --env WANDB_API_KEY=hidden a.sif b\n"
    script = read(tmp_path, text + step)
    assert "hidden" not in format_job(script, tmp_path)
    assert not any("hidden" in f"{each.message}{each.found}" for each in script.found)


def test_variables_that_only_sound_like_secrets_are_carried_over(tmp_path: Path) -> None:
    text = "export TOKENIZERS_PARALLELISM=false MAX_TOKENS=9 TOKEN_FILE=/a PAT_RT_X=1\n"
    env = read(tmp_path, f"{text}srun apptainer exec a.sif b\n").job.env
    assert list(env) == ["TOKENIZERS_PARALLELISM", "MAX_TOKENS", "TOKEN_FILE", "PAT_RT_X"]


def test_variables_that_srun_sets_count_before_the_scripts(tmp_path: Path) -> None:
    text = "export A=1 B=1\nsrun --export=ALL,A=2,C=3 apptainer exec a.sif b\n"
    assert read(tmp_path, text).job.env == {"A": "2", "B": "1", "C": "3"}


def test_only_names_of_folders_come_from_who_submits(tmp_path: Path) -> None:
    environment = {
        "DATA": "/data",
        "AWS_SECRET_ACCESS_KEY": "/abc+def",
        "HALF": "/a\udcff",
        "LIST": "/a:/b",
        "WORD": "word",
        "USER": "me\x1b",
    }
    names = " ".join(f'"${name}"' for name in environment)
    script = read(tmp_path, f"srun apptainer exec a.sif b {names}\n", environment)
    assert script.job.script is not None
    assert script.job.script.splitlines()[-1] == "exec b /data " + " ".join(names.split()[1:])


def test_words_behind_a_colon_stand_for_none_before_it(tmp_path: Path) -> None:
    text = "mpirun -n 2 apptainer exec a.sif b $X : -n 1 apptainer exec c.sif d e\n"
    script = read(tmp_path, text)
    assert script.job.script is not None
    assert script.job.script.endswith("exec b $X\n")
