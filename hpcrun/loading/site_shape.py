"""What a site profile may hold (formats.md, version 1); does not make the Site of it."""

from hpcrun.loading.facts import Fact
from hpcrun.loading.groups import Anything, Either, ListOf, MappingOf
from hpcrun.loading.leaves import (
    DURATION,
    ONE_LINE,
    Boolean,
    Choice,
    Day,
    Integer,
    Nullable,
    Number,
    Text,
    Version,
)
from hpcrun.loading.records import Field, OneOf, Record
from hpcrun.loading.shapes import NOTHING, Shape

SITE_NAME = Text(
    expected="a name of letters, digits, `.`, `_` and `-`",
    pattern="[A-Za-z0-9][A-Za-z0-9._-]{0,63}",
    help="start with a letter or digit, 64 characters at most",
)
ABSOLUTE_PATH = Text(
    expected="a path that starts with `/`", pattern=f"/{ONE_LINE}", help="write the whole path"
)

TEXT = Field(Fact(Text(is_empty_allowed=True)))
VERSION = Field(Fact(Version()))
COUNT = Field(Fact(Integer()))
YES_NO = Field(Fact(Boolean()))


def _texts(item: Shape | None = None) -> Fact:
    """Give a list whose items may carry an origin too."""
    return Fact(ListOf(Fact(item or Text(), when_unknown=NOTHING)))


def _optional(shape: Shape) -> Field:
    """Give a leaf that may be null; the model's default stands for `unknown`."""
    return Field(Fact(Nullable(shape), when_unknown=NOTHING))


def _defaulting(shape: Shape, about: str = "") -> Field:
    """Give a leaf for whose `unknown` the model's default stands."""
    return Field(Fact(shape, when_unknown=NOTHING), about=about)


def _group(shape: Shape, about: str = "") -> Field:
    """Give a group of leaves, all of them unknown where the group is."""
    return Field(Fact(shape, when_unknown=NOTHING, is_group=True), about=about)


_TEXT_BY_NAME = MappingOf(
    Fact(Text(is_empty_allowed=True), when_unknown=NOTHING), pattern=rf"(?=.){ONE_LINE}"
)

_WHICH = Record(
    {
        "cluster_name": _optional(Text()),
        "env": _group(_TEXT_BY_NAME, "variables and what they hold; `*` and `?` stand for text"),
        "files": _group(_TEXT_BY_NAME, "files that exist and the text in them; may be empty"),
        "hostnames": _defaulting(_texts(), "names of login nodes; `*` and `?` stand for text"),
    }
)

_ACCESS = Fact(
    Either(
        (
            Choice(("local",), besides="`{prefix: [program, …]}` or `{ssh: host}`"),
            Record(
                {
                    "prefix": Field(ListOf(Text(), minimum=1), about="put before each command"),
                    "ssh": Field(Text(pattern="[^-\\s\\u0000-\\u001f\\u007f][!-~]*")),
                },
                one_of=(OneOf(("prefix", "ssh"), is_required=True),),
                expected="`local`, `{prefix: [program, …]}` or `{ssh: host}`",
            ),
        ),
        expected="`local`, `{prefix: [program, …]}` or `{ssh: host}`",
    ),
    when_unknown={"is_stated": False},
)

_SCHEDULER = Record(
    {
        "kind": _defaulting(Choice(("slurm", "pbs", "none"))),
        "version": VERSION,
        "mpi_types": Field(_texts(), about="what `srun --mpi=list` prints"),
        "mpi_default": Field(Fact(Text())),
        "pmix": _group(
            Nullable(Record({"server": VERSION, "psec": Field(_texts()), "gds": Field(_texts())})),
            "the PMIx that Slurm's plugin was built with",
        ),
        "required": _group(
            Record(
                {
                    "account": _defaulting(Boolean()),
                    "partition": _defaulting(Boolean()),
                    "qos": _defaulting(Boolean()),
                    "options": _group(_TEXT_BY_NAME),
                }
            ),
            "what sbatch insists on",
        ),
        "accounting": Field(Fact(Boolean()), about="whether there is a slurmdbd"),
    }
)

_GPU = Record(
    {
        "model": Field(Fact(Text()), is_required=True),
        "count": Field(Fact(Integer(minimum=1))),
        "vendor": Field(Fact(Choice(("nvidia", "amd", "intel")))),
        "compute": VERSION,
    }
)

_OS = Record(
    {
        "id": Field(Fact(Text())),
        "version": VERSION,
        "glibc": VERSION,
        "kernel": VERSION,
        "user_namespaces_max": COUNT,
    }
)

_FABRIC = Record(
    {
        "kind": Field(Fact(Choice(("ethernet", "infiniband", "omni-path", "slingshot", "efa")))),
        "providers": Field(_texts()),
        "devices": Field(_texts()),
        "expect": _group(
            Record(
                {
                    "latency_us_max": _optional(Number()),
                    "bandwidth_mb_s_min": _optional(Number()),
                }
            )
        ),
    }
)

_EMULATION = Record(
    {
        "arch": Field(Fact(Text()), is_required=True, about="as `uname -m` says"),
        "emulator": Field(Fact(Text()), is_required=True),
        "version": VERSION,
        "flags": TEXT,
    }
)

_NODE_CLASS = Record(
    {
        "arch": Field(Fact(Text()), about="as `uname -m` says: x86_64, aarch64"),
        "microarch": Field(Fact(Text()), about="archspec's name"),
        "sockets": COUNT,
        "cores": Field(Fact(Integer()), about="of the node, not of a socket"),
        "threads_per_core": COUNT,
        "memory_mib": COUNT,
        "gpus": Field(Fact(ListOf(_GPU))),
        "gpu_driver": Field(Fact(Nullable(Version()))),
        "os": _group(_OS),
        "fabric": _group(_FABRIC),
        "emulation": Field(Fact(ListOf(_EMULATION))),
        "node_local": _optional(Text()),
    }
)

_PARTITION = Record(
    {
        "node_classes": Field(
            Fact(ListOf(Fact(SITE_NAME, when_unknown=NOTHING), minimum=1), when_unknown=NOTHING),
            is_required=True,
        ),
        "nodes": COUNT,
        "walltime_max": Field(Fact(Nullable(DURATION)), about="`null` is no limit"),
        "default": _defaulting(Boolean()),
    }
)

_RUNTIME = Record(
    {
        "kind": _defaulting(Choice(("apptainer", "singularity"))),
        "version": VERSION,
        "command": _defaulting(Text()),
        "mode": Field(Fact(Choice(("userns", "setuid")))),
        "user_bind": YES_NO,
        "available_on": Field(_texts()),
    }
)

_MPI_STACK = Record(
    {
        "family": Field(Fact(Choice(("openmpi", "mpich", "mpi-abi"))), is_required=True),
        "version": VERSION,
        "prefix": Field(Fact(ABSOLUTE_PATH, when_unknown=NOTHING), is_required=True),
        "pmi": Field(_texts()),
        "launchers": _defaulting(_texts()),
        "modules": _defaulting(_texts()),
        "passport": _optional(Text()),
    }
)

RECIPES = ("bind", "hybrid", "host-mpirun", "site-module", "engine-hook")

_RECIPE = Either(
    (Choice(RECIPES), MappingOf(Anything(), minimum=1)), expected="a recipe's kind, or a mapping"
)

_IMAGES = Record(
    {
        "build": _group(
            Record({"allowed": YES_NO, "on": Field(_texts()), "means": Field(_texts())})
        ),
        "instead": _optional(Text()),
        "cache": _optional(Text()),
    }
)

_PRICES = Record(
    {
        "currency": _optional(Text()),
        "per_core_hour": _optional(Number()),
        "per_node_hour": _optional(Number()),
        "as_of": _optional(Day()),
    }
)

_POLICY = Record({"automation": _optional(Text())})

SITE = Record(
    {
        "version": Field(Integer(minimum=1, maximum=1), is_required=True, about="of this format"),
        "name": Field(SITE_NAME, is_required=True),
        "description": _defaulting(Text(is_empty_allowed=True)),
        "as_of": _optional(Day()),
        "extends": Field(Nullable(SITE_NAME), about="one other profile, whose values stay"),
        "which": _group(_WHICH, "how to know that one stands on this site"),
        "access": Field(_ACCESS, about="how commands reach the site"),
        "scheduler": _group(_SCHEDULER),
        "node_classes": _group(MappingOf(_NODE_CLASS)),
        "partitions": _group(MappingOf(_PARTITION)),
        "runtime": _group(_RUNTIME),
        "mpi_stacks": _group(MappingOf(_MPI_STACK)),
        "recipes": _defaulting(ListOf(_RECIPE), "the site's own ways"),
        "images": _group(_IMAGES),
        "filesystems": _group(
            Record({"shared": Field(_texts(ABSOLUTE_PATH)), "scratch": _optional(ABSOLUTE_PATH)})
        ),
        "internet": _group(Record({"login": YES_NO, "compute": YES_NO})),
        "policy": _group(_POLICY),
        "prices": _group(_PRICES),
        "life": _group(Record({"from": _optional(Day()), "until": _optional(Day())})),
    },
    meant={
        "system": "name",
        "slurm": "scheduler",
        "nodes": "node_classes",
        "queues": "partitions",
        "mpi": "mpi_stacks",
        "container": "runtime",
    },
    expected="a mapping with the keys of a profile",
)
