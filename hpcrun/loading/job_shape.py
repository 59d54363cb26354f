"""What job.yaml may hold (formats.md, version 1); does not make the Job of it."""

from typing import Any

from hpcrun.loading.groups import Either, ListOf, MappingOf
from hpcrun.loading.leaves import (
    ANY_TEXT,
    DURATION,
    MEMORY,
    ONE_LINE,
    Choice,
    Integer,
    Leaf,
    Text,
)
from hpcrun.loading.nodes import Node, Scalar
from hpcrun.loading.owned_settings import owned_options, owned_variables
from hpcrun.loading.records import Field, OneOf, Record
from hpcrun.loading.shapes import Place, Schema, shape
from hpcrun.model.job import ENV_NAME_PATTERN, JOB_NAME_PATTERN

OCI_ARCHITECTURES = (
    *("amd64", "arm64", "ppc64le", "s390x", "riscv64", "loong64", "ppc64", "386", "arm"),
)
"""As the table of architectures has them (a test holds both), which not every start should read."""

IMAGE_SCHEMES = ("docker", "oras", "library", "https")

# `~` and `$HOME` would be taken as names of folders, and nobody would notice before the job runs.
_HOST_PATH = rf"(?!~)(?!{ONE_LINE}\$[A-Za-z_{{])(?!{ONE_LINE}://){ONE_LINE}"
_ADDRESS = f"({'|'.join(IMAGE_SCHEMES)})://[!-~]+"

HOST_PATH = Text(
    expected="a path",
    pattern=_HOST_PATH,
    help="write a path from `/` or from the job file's folder; `~` and `$NAME` are not expanded",
)
IMAGE_REF = Text(
    expected="the path or address of an image",
    pattern=f"{_ADDRESS}|{_HOST_PATH}",
    help="write a path from `/` or from the job file's folder (`~` and `$NAME` are not expanded), "
    + "or an address that starts with "
    + ", ".join(f"`{scheme}://`" for scheme in IMAGE_SCHEMES),
)
CONTAINER_PATH = Text(
    expected="a path inside the container that starts with `/`",
    pattern=rf"/(?!{ONE_LINE}(^|/)\.\.(/|$)){ONE_LINE}",
    help="write the whole path, without `..`",
)
SHA256 = Text(
    expected="a SHA-256 of 64 digits", pattern="[0-9a-f]{64}", help="`sha256sum FILE` prints it"
)
WORD = Text(expected="text", pattern=ANY_TEXT, is_empty_allowed=True, takes_numbers=True)
PROGRAM = Text(expected="a program", pattern=ANY_TEXT, takes_numbers=True)
OPTIONAL_WORD = Text(is_empty_allowed=True)


@shape
class OptionValue(Leaf):
    """The value of an sbatch option; `true` for an option that takes none."""

    expected: str = "text, a number or `true`"

    def _read(self, node: Scalar, place: Place) -> Any:
        if node.is_plain and node.text in ("true", "True", "TRUE"):
            return ""
        if node.is_plain and node.text in ("false", "False", "FALSE"):
            return place.refuse(
                node,
                message=f"{place.shown} cannot be `{node.text}`",
                found="an option is given or not",
                helps=["leave the option out"],
            )
        return Text(is_empty_allowed=True, takes_numbers=True).read(node, place)

    def schema(self) -> Schema:
        """Describe text, numbers and `true`."""
        text = Text(is_empty_allowed=True, takes_numbers=True).schema()
        return {"anyOf": [{"const": True}, text]}


@shape
class Command(ListOf):
    """An argument vector; a command line in one text gets its own help."""

    expected: str = "a list of a program and its arguments"

    def read(self, node: Node, place: Place) -> Any:
        """Give the words."""
        if isinstance(node, Scalar) and not node.is_null:
            return place.refuse(
                node,
                message=f"{place.shown} must be {self.expected}",
                found="one text; no shell would split it",
                helps=["write `[program, argument, …]`, or use `script` for shell commands"],
            )
        words = super().read(node, place)
        if isinstance(words, list) and words[:1] == [""]:
            return place.refuse(
                node,
                message=f"{place.shown} must start with a program",
                found='""',
                helps=["write the program's name or path first"],
            )
        return words

    def schema(self) -> Schema:
        """Describe the words; the first one is a program."""
        return super().schema() | {"prefixItems": [PROGRAM.schema()]}


_IMAGE_RECORD = Record(
    {
        "ref": Field(IMAGE_REF, is_required=True, about="path or address"),
        "sha256": Field(SHA256, about="SHA-256 that the file must have"),
    },
    also=OCI_ARCHITECTURES,
    meant={"x86_64": "amd64", "aarch64": "arm64", "path": "ref", "digest": "sha256"},
    expected="`{ref: …}` or one image per processor",
)
_ONE_IMAGE = Either((IMAGE_REF, _IMAGE_RECORD), expected="an image")
_IMAGE = Either(
    (
        IMAGE_REF,
        MappingOf(_ONE_IMAGE, name="a processor", names=OCI_ARCHITECTURES, minimum=1),
        _IMAGE_RECORD,
    ),
    expected="a path or an address",
)

_RESOURCES = Record(
    {
        "nodes": Field(Integer(minimum=1), about="how many nodes; 1 if left out"),
        "tasks": Field(
            Integer(minimum=1), about="tasks of the whole job; one per node if left out"
        ),
        "tasks_per_node": Field(Integer(minimum=1), about="instead of tasks"),
        "cpus_per_task": Field(Integer(minimum=1), about="Slurm CPUs of each task; 1 if left out"),
        "memory_per_node": Field(MEMORY, about="`2 GiB`; without unit MiB, as Slurm counts"),
        "memory_per_cpu": Field(MEMORY, about="instead of memory_per_node"),
        "gpus_per_node": Field(Integer(), about="0 if left out"),
        "walltime": Field(DURATION, about="`00:10:00`, `90 min`; a bare number is minutes"),
        "extra": Field(
            MappingOf(
                OptionValue(),
                name="a long sbatch option without dashes",
                pattern="[a-z0-9][a-z0-9-]*",
                forbidden=owned_options,
            ),
            about="further sbatch options by their long names; `true` for one without value",
        ),
    },
    one_of=(OneOf(("tasks", "tasks_per_node")), OneOf(("memory_per_node", "memory_per_cpu"))),
    meant={
        "ntasks": "tasks",
        "ntasks_per_node": "tasks_per_node",
        "time": "walltime",
        "mem": "memory_per_node",
        "memory": "memory_per_node",
        "mem_per_cpu": "memory_per_cpu",
        "cpus": "cpus_per_task",
        "gpus": "gpus_per_node",
        "partition": "submit.partition",
        "account": "submit.account",
        "qos": "submit.qos",
    },
)

_MPI = Either(
    (
        Choice(("auto", "none"), besides="`{model: …}`"),
        Record(
            {
                "model": Field(
                    Choice(("auto", "bind", "hybrid", "contained", "none")),
                    about="whose MPI runs: the host's, bound in, or the image's own",
                ),
                "launcher": Field(
                    Choice(("auto", "srun", "mpirun", "mpiexec")), about="what starts the tasks"
                ),
                "pmi": Field(
                    Text(expected="a PMI such as `pmix` or `pmi2`", pattern="[a-z0-9][a-z0-9_-]*"),
                    about="how the ranks find each other: a type of `srun --mpi`, or auto",
                ),
                "fabric": Field(
                    Choice(("auto", "image", "injected")), about="whose network libraries are used"
                ),
            }
        ),
    ),
    expected="`auto`, `none` or a mapping",
)

_MOUNT = Record(
    {
        "host": Field(HOST_PATH, is_required=True, about="relative to this file"),
        "container": Field(CONTAINER_PATH, is_required=True, about="where it is seen"),
        "mode": Field(Choice(("ro", "rw")), about="rw if left out"),
    },
    meant={"source": "host", "src": "host", "target": "container", "dst": "container"},
    expected="`{host: …, container: …}`",
)

STAGE_PATTERN = Text(
    expected="a path or pattern in the working folder",
    pattern=rf"(?!/)(?!{ONE_LINE}(^|/)\.\.(/|$)){ONE_LINE}",
    help="write it from the working folder on, without `..`; `*` and `**` stand for names",
)
_STAGE = ListOf(STAGE_PATTERN, expected="a list of paths or patterns")

_SUBMIT = Record(
    {
        "site": Field(OPTIONAL_WORD, about="a profile's name or path, or auto"),
        "partition": Field(OPTIONAL_WORD, about="the site's default one if left out"),
        "account": Field(OPTIONAL_WORD, about="who pays"),
        "qos": Field(OPTIONAL_WORD, about="quality of service"),
        "constraint": Field(OPTIONAL_WORD, about="features that nodes must have"),
        "reservation": Field(OPTIONAL_WORD, about="nodes set aside"),
    },
    meant={"queue": "partition", "project": "account", "cluster": "site"},
)

_ALLOW = Record(
    {
        "rule": Field(
            Text(expected="a rule's code such as `HPR402`", pattern="HPR[0-9]{3}"),
            is_required=True,
            about="what is overridden",
        ),
        "because": Field(Text(expected="a reason"), is_required=True, about="stays on record"),
    },
    meant={"reason": "because", "code": "rule"},
)

JOB = Record(
    {
        "version": Field(Integer(minimum=1, maximum=1), is_required=True, about="of this format"),
        "name": Field(
            Text(
                expected="a name of letters, digits, `.`, `_` and `-`",
                pattern=JOB_NAME_PATTERN.strip("^$"),
                help="start with a letter or digit, 64 characters at most",
            ),
            is_required=True,
            about="of the job and its runs",
        ),
        "image": Field(_IMAGE, is_required=True, about="relative to this file, or an address"),
        "command": Field(Command(WORD, minimum=1), about="what each task runs in the container"),
        "script": Field(
            Text(expected="a script for bash", pattern=ANY_TEXT), about="instead of command"
        ),
        "resources": Field(_RESOURCES, about="what is asked of the scheduler"),
        "mpi": Field(_MPI, about="auto lets the planner choose; none is a job without MPI"),
        "execution": Field(
            Choice(("auto", "native", "emulated")),
            about="emulated: the image is for another processor",
        ),
        "mounts": Field(
            ListOf(_MOUNT, expected="a list of mounts"), about="host paths that the container sees"
        ),
        "env": Field(
            MappingOf(
                WORD,
                name="the name of an environment variable",
                pattern=ENV_NAME_PATTERN.strip("^$"),
                forbidden=owned_variables,
            ),
            about="environment inside the container",
        ),
        "workdir": Field(HOST_PATH, about="shared working folder; this file's folder if left out"),
        "stage_in": Field(
            _STAGE, about="what of workdir a site gets that does not see it; else all"
        ),
        "stage_out": Field(_STAGE, about="what comes back from there; else all new and changed"),
        "submit": Field(_SUBMIT, about="where the job goes and who pays"),
        "gate": Field(
            Choice(("auto", "always", "never")),
            about="check inside the job before the program starts",
        ),
        "allow": Field(
            ListOf(_ALLOW, expected="a list of rules with reasons"),
            about="rules that may be broken",
        ),
    },
    one_of=(OneOf(("command", "script"), is_required=True),),
    meant={
        "cmd": "command",
        "environment": "env",
        "volumes": "mounts",
        "binds": "mounts",
        "bind": "mounts",
        "container": "image",
        "cwd": "workdir",
        "time": "resources.walltime",
        "ntasks": "resources.tasks",
    },
    expected="a mapping with the keys of a job",
)
