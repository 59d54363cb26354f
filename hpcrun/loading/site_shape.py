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

TEXT = Text(is_empty_allowed=True)
NAMES = ListOf(Fact(Text(), when_unknown=NOTHING), expected="a list of names")


def _fact(shape: Shape, about: str, *, is_required: bool = False) -> Field:
    """Give a leaf whose field in the model can be unknown."""
    return Field(Fact(shape), is_required, about)


def _defaulting(shape: Shape, about: str) -> Field:
    """Give a leaf for whose `unknown` the model's default stands."""
    return Field(Fact(shape, when_unknown=NOTHING), about=about)


def _optional(shape: Shape, about: str) -> Field:
    """Give a leaf that may be null; for `unknown` the model's default stands."""
    return _defaulting(Nullable(shape), about)


def _group(shape: Shape, about: str) -> Field:
    """Give a group of leaves, all of them unknown where the group is."""
    return Field(Fact(shape, when_unknown=NOTHING, is_group=True), about=about)


_TEXT_BY_NAME = MappingOf(
    Fact(TEXT, when_unknown=NOTHING), name="one line", pattern=rf"(?=.){ONE_LINE}"
)

_WHICH = Record(
    {
        "cluster_name": _optional(Text(), "Slurm's ClusterName"),
        "env": _group(_TEXT_BY_NAME, "variables and what they hold; `*` and `?` stand for text"),
        "files": _group(_TEXT_BY_NAME, "files that exist, and a text in each; it may be empty"),
        "hostnames": _defaulting(NAMES, "names of login nodes; `*` and `?` stand for text"),
    }
)

_ACCESS_FORMS = "`local`, `{prefix: [program, …]}` or `{ssh: host}`"
# A host that starts with `-` would be an option of ssh.
_HOST = Text(expected="a host", pattern="[^-\\s\\u0000-\\u001f\\u007f][!-~]*")
_SSH = Record(
    {
        "host": Field(_HOST, is_required=True, about="as ssh knows it"),
        "config": Field(ABSOLUTE_PATH, about="a configuration of ssh, instead of the user's"),
        "folder": Field(
            ABSOLUTE_PATH,
            about="at the site, for what is sent there; else `~/.hpcrun` and `~/.cache/hpcrun`",
        ),
    },
    expected="`{host: …, config: FILE}`",
)
_ACCESS = Fact(
    Either(
        (
            Choice(("local",), besides="`{prefix: [program, …]}` or `{ssh: host}`"),
            Record(
                {
                    "prefix": Field(
                        ListOf(Text(), minimum=1, expected="a list of a program and arguments"),
                        about="stands before each command",
                    ),
                    "ssh": Field(
                        Either((_HOST, _SSH), expected="a host"),
                        about="the host that runs the commands",
                    ),
                },
                one_of=(OneOf(("prefix", "ssh"), is_required=True),),
                expected=_ACCESS_FORMS,
            ),
        ),
        expected=_ACCESS_FORMS,
    ),
    when_unknown={"is_stated": False},
)

_PMIX = Record(
    {
        "server": _fact(Version(), "version of PMIx"),
        "psec": _fact(NAMES, "its security modules"),
        "gds": _fact(NAMES, "its data stores"),
    }
)

_REQUIRED = Record(
    {
        "account": _defaulting(Boolean(), "whether an account must be named"),
        "partition": _defaulting(Boolean(), "whether a partition must be named"),
        "qos": _defaulting(Boolean(), "whether a quality of service must be named"),
        "options": _group(_TEXT_BY_NAME, "further sbatch options, and what to give"),
    }
)

_SCHEDULER = Record(
    {
        "kind": _defaulting(Choice(("slurm", "pbs", "none")), "hpcrun submits to Slurm"),
        "version": _fact(Version(), "what `srun --version` prints"),
        "mpi_types": _fact(NAMES, "what `srun --mpi=list` prints"),
        "mpi_default": _fact(Text(), "MpiDefault of slurm.conf"),
        "pmix": _group(Nullable(_PMIX), "the PMIx that Slurm's plugin uses; `null` is none"),
        "required": _group(_REQUIRED, "what sbatch insists on"),
        "accounting": _fact(Boolean(), "whether there is a slurmdbd"),
    }
)

_GPU = Record(
    {
        "model": _fact(Text(), "for example H200", is_required=True),
        "count": _fact(Integer(minimum=1), "in one node"),
        "vendor": _fact(Choice(("nvidia", "amd", "intel")), "who makes it"),
        "compute": _fact(Version(), "compute capability, or gfx name"),
    }
)

_OS = Record(
    {
        "id": _fact(Text(), "ID of /etc/os-release"),
        "version": _fact(Version(), "VERSION_ID of /etc/os-release"),
        "glibc": _fact(Version(), "version of the C library"),
        "kernel": _fact(Version(), "what `uname -r` prints, as far as it is known"),
        "user_namespaces_max": _fact(Integer(), "/proc/sys/user/max_user_namespaces"),
    }
)

_FABRIC = Record(
    {
        "kind": _fact(
            Choice(("ethernet", "infiniband", "omni-path", "slingshot", "efa")), "the network"
        ),
        "providers": _fact(NAMES, "libfabric's providers"),
        "devices": _fact(NAMES, "names of the devices"),
        "expect": _group(
            Record(
                {
                    "latency_us_max": _optional(Number(), "between two nodes, in microseconds"),
                    "bandwidth_mb_s_min": _optional(Number(), "between two nodes, in MB/s"),
                }
            ),
            "what the network gives when it is used right",
        ),
    }
)

_EMULATION = Record(
    {
        "arch": _fact(Text(), "as `uname -m` says", is_required=True),
        "emulator": _fact(Text(), "for example qemu-user", is_required=True),
        "version": _fact(Version(), "of the emulator"),
        "flags": _defaulting(TEXT, "of the binfmt_misc entry"),
    }
)

_FEATURE = Text(
    expected="a feature's name: letters, digits, `_`, `.`, `:` and `-`",
    pattern="[A-Za-z0-9_][A-Za-z0-9_.:-]{0,63}",
)

_NODE_CLASS = Record(
    {
        "arch": _fact(Text(), "as `uname -m` says: x86_64, aarch64"),
        "microarch": _fact(Text(), "archspec's name"),
        "sockets": _fact(Integer(), "in one node"),
        "cores": _fact(Integer(), "of the node, not of a socket"),
        "threads_per_core": _fact(Integer(), "hardware threads"),
        "memory_mib": _fact(Integer(), "RealMemory of slurm.conf"),
        "gpus": _fact(ListOf(_GPU, expected="a list of kinds of GPU"), "`[]` is none"),
        "gpu_driver": _fact(Nullable(Version()), "version of the driver"),
        "os": _group(_OS, "the operating system"),
        "fabric": _group(_FABRIC, "the network between nodes"),
        "emulation": _fact(
            ListOf(_EMULATION, expected="a list of emulators"), "registered for foreign programs"
        ),
        "features": _fact(
            ListOf(Fact(_FEATURE, when_unknown=NOTHING), expected="a list of features"),
            "Slurm's Feature, which `constraint` of a job names",
        ),
        "node_local": _optional(Text(), "folder on the node's own disk"),
    }
)

_CLASS_NAMES = ListOf(
    Fact(SITE_NAME, when_unknown=NOTHING), minimum=1, expected="a list of node classes"
)

_PARTITION = Record(
    {
        "node_classes": Field(
            Fact(_CLASS_NAMES, when_unknown=NOTHING), is_required=True, about="what it is made of"
        ),
        "nodes": _fact(Integer(), "how many"),
        "walltime_max": _fact(Nullable(DURATION), "MaxTime; `null` is no limit"),
        "default": _defaulting(Boolean(), "whether sbatch takes it where none is named"),
    }
)

_RUNTIME = Record(
    {
        "kind": _defaulting(Choice(("apptainer", "singularity")), "the container runtime"),
        "version": _fact(Version(), "what `apptainer version` prints"),
        "command": _defaulting(Text(), "name or path of the program"),
        "mode": _fact(Choice(("userns", "setuid")), "how it gets its rights"),
        "user_bind": _fact(Boolean(), "whether users may mount folders (`user bind control`)"),
        "available_on": _fact(NAMES, "login, compute"),
    }
)

_MPI_STACK = Record(
    {
        "family": _fact(
            Choice(("openmpi", "mpich", "mpi-abi")), "what its library is", is_required=True
        ),
        "version": _fact(Version(), "of the implementation"),
        "prefix": Field(
            Fact(ABSOLUTE_PATH, when_unknown=NOTHING), is_required=True, about="where it lies"
        ),
        "pmi": _fact(NAMES, "pmi1, pmi2, pmix: how its ranks find each other"),
        "launchers": _defaulting(NAMES, "its own programs that start ranks"),
        "modules": _defaulting(NAMES, "environment modules to load for it"),
        "passport": _optional(
            Text(), "file beside the profile that `hpcrun inspect --host` wrote on a node"
        ),
    }
)

RECIPES = ("bind", "hybrid", "host-mpirun", "site-module", "engine-hook")

_RECIPE = Either(
    (Choice(RECIPES), MappingOf(Anything(), minimum=1)), expected="a recipe's kind, or a mapping"
)

_IMAGES = Record(
    {
        "build": _group(
            Record(
                {
                    "allowed": _fact(Boolean(), "whether images may be built"),
                    "on": _fact(NAMES, "where: login, compute"),
                    "means": _fact(NAMES, "how: fakeroot, proot, setuid"),
                }
            ),
            "building images at the site",
        ),
        "instead": _optional(Text(), "what to do where images cannot be built"),
        "cache": _optional(Text(), "folder for the runtime's cache"),
    }
)

_FILESYSTEMS = Record(
    {
        "shared": _fact(
            ListOf(Fact(ABSOLUTE_PATH, when_unknown=NOTHING), expected="a list of folders"),
            "folders that login and compute nodes share",
        ),
        "scratch": _optional(ABSOLUTE_PATH, "the fast one among them"),
    }
)

_PRICES = Record(
    {
        "currency": _optional(Text(), "for example EUR"),
        "per_core_hour": _optional(Number(), "price of a core for an hour"),
        "per_node_hour": _optional(Number(), "price of a node for an hour"),
        "as_of": _optional(Day(), "the day of the price list"),
    }
)

SITE = Record(
    {
        "version": Field(Integer(minimum=1, maximum=1), is_required=True, about="of this format"),
        "name": Field(SITE_NAME, is_required=True, about="the site's name, and the file's"),
        "description": _defaulting(TEXT, "one line for people"),
        "as_of": _optional(Day(), "the day on which all of it was so"),
        "extends": Field(Nullable(SITE_NAME), about="one other profile, whose values stay"),
        "which": _group(_WHICH, "how to know that one stands on this site; all of it must fit"),
        "access": Field(_ACCESS, about="how commands reach the site"),
        "scheduler": _group(_SCHEDULER, "what starts jobs"),
        "node_classes": _group(MappingOf(_NODE_CLASS), "nodes that are alike, by a name"),
        "partitions": _group(MappingOf(_PARTITION), "Slurm's partitions"),
        "runtime": _group(_RUNTIME, "what runs images"),
        "mpi_stacks": _group(MappingOf(_MPI_STACK), "the site's MPI installations, by a name"),
        "recipes": _defaulting(
            ListOf(_RECIPE, expected="a list of recipes"),
            "the site's own ways to run MPI in images",
        ),
        "images": _group(_IMAGES, "what the site allows with images"),
        "filesystems": _group(_FILESYSTEMS, "where files are seen"),
        "internet": _group(
            Record(
                {
                    "login": _fact(Boolean(), "whether login nodes reach it"),
                    "compute": _fact(Boolean(), "whether compute nodes reach it"),
                }
            ),
            "who reaches the internet",
        ),
        "policy": _group(
            Record({"automation": _optional(Text(), "what the site says of automatic submission")}),
            "what the site wants of its users",
        ),
        "prices": _group(_PRICES, "what it costs"),
        "life": _group(
            Record(
                {
                    "from": _optional(Day(), "its first day"),
                    "until": _optional(Day(), "its last day"),
                }
            ),
            "when the site is there",
        ),
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
