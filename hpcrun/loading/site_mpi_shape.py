"""What a profile may say about scheduler, MPI and containers (formats.md, version 1)."""

from hpcrun.loading.facts import Fact, Sourced
from hpcrun.loading.groups import Either, ListOf
from hpcrun.loading.leaves import Choice, Nullable, Text, Version
from hpcrun.loading.records import Field, Record
from hpcrun.loading.shapes import NOTHING
from hpcrun.loading.site_words import (
    ABSOLUTE_PATH,
    NAMES,
    PATHS,
    SITE_NAME,
    TEXT_BY_NAME,
    TEXTS,
    defaulting,
    fact,
    flag,
    group,
    list_of,
    optional,
)

_PMIX = Record(
    {
        "server": fact(Version(), "version of PMIx", probe="strings of Slurm's mpi_pmix plugin"),
        "psec": fact(NAMES, "its security modules", probe="pmix_info"),
        "gds": fact(NAMES, "its data stores", probe="pmix_info"),
    }
)

_REQUIRED = Record(
    {
        "account": flag("whether an account must be named"),
        "partition": flag("whether a partition must be named"),
        "qos": flag("whether a quality of service must be named"),
        "options": group(TEXT_BY_NAME, "further sbatch options, and what to give"),
    }
)

SCHEDULER = Record(
    {
        "kind": fact(Choice(("slurm", "pbs", "none")), "hpcrun submits to Slurm"),
        "version": fact(Version(), "what `srun --version` prints", probe="srun --version"),
        "daemon": fact(
            Choice(("slurmd", "psid")), "what starts tasks on the nodes: `psid` is ParaStation's"
        ),
        "mpi_types": fact(NAMES, "what `srun --mpi=list` prints", probe="srun --mpi=list"),
        "mpi_default": fact(
            Text(), "MpiDefault of slurm.conf, or SLURM_MPI_TYPE", probe="scontrol show config"
        ),
        "pmix": group(Nullable(_PMIX), "the PMIx that Slurm's plugin uses; `null` is none"),
        "required": group(_REQUIRED, "what sbatch insists on"),
        "accounting": flag("whether there is a slurmdbd", probe="scontrol show config"),
    }
)

RUNTIMES = (
    *("apptainer", "singularity", "singularity-ce", "singularity-pro"),
    *("podman-hpc", "container-engine", "docker", "none"),
)
"""`singularity` is one whose make is not known."""

RUNTIME = Record(
    {
        "kind": fact(Choice(RUNTIMES), "the container runtime"),
        "version": fact(Version(), "what `apptainer version` prints", probe="apptainer version"),
        "command": defaulting(Text(), "name or path of the program"),
        "mode": fact(
            Choice(("userns", "setuid")),
            "how it gets its rights",
            probe="apptainer config global --get 'allow setuid'",
        ),
        "user_bind": flag(
            "whether users may mount folders (`user bind control`)",
            probe="apptainer config global --get 'user bind control'",
        ),
        "default_binds": fact(
            NAMES,
            "what it mounts by itself",
            probe="apptainer config global --get 'bind path'",
        ),
        "image_kinds": fact(
            list_of(Choice(("sif", "squashfs", "folder")), "a list of kinds of images"),
            "images that it starts (`allow container …`)",
            probe="apptainer config global --get 'allow container sif', and the others",
        ),
        "image_folders": fact(
            PATHS,
            "where images must lie (`limit container paths`); `[]` is anywhere",
            probe="apptainer config global --get 'limit container paths'",
        ),
        "signed_images": flag("whether only signed images are started", probe="ecl.toml"),
        "makes_targets": flag(
            "whether a mount may be at a path that the image lacks",
            probe="apptainer config global --get 'enable overlay', 'enable underlay'",
        ),
        "fakeroot": flag("whether `--fakeroot` works", probe="apptainer exec --fakeroot"),
        "modules": defaulting(NAMES, "environment modules that must be loaded for it"),
        "group": optional(Text(), "Unix group without which nobody may use it"),
        "request": optional(Text(), "how people get the right to use it"),
        "available_on": fact(NAMES, "login, compute", probe="command -v, on both"),
        "others": fact(NAMES, "other runtimes at the site"),
    }
)

LAUNCHER = Record(
    {
        "command": defaulting(Text(), "name or path of the program"),
        "works": flag("whether the site's users can use it"),
        "options": defaulting(TEXTS, "what it is called with"),
        "note": optional(Text(), "what else to know"),
    }
)

MPI_STACK = Record(
    {
        "family": fact(
            Choice(("openmpi", "mpich", "mpi-abi")), "what its library is", is_required=True
        ),
        "implementation": fact(Text(), "Cray MPICH, ParaStation MPI, Intel MPI"),
        "version": fact(Version(), "of the implementation"),
        "api": fact(Version(), "version of its family whose functions it has"),
        "prefix": Field(
            Fact(ABSOLUTE_PATH, when_unknown=NOTHING),
            is_required=True,
            about="where it lies",
            probe="module show",
        ),
        "library": optional(Text(), "folder below `prefix` with the library, `lib` where none"),
        "pmi": fact(NAMES, "pmi1, pmi2, pmix: how its ranks find each other"),
        "launchers": defaulting(NAMES, "its own programs that start ranks"),
        "modules": defaulting(NAMES, "environment modules to load for it"),
        "image_glibc_min": fact(Version(), "what an image must have at least for a bind"),
        "passport": optional(
            Text(), "file beside the profile that `hpcrun inspect --host` wrote on a node"
        ),
    }
)

RECIPES = ("bind", "hybrid", "host-mpirun", "site-module", "engine-hook")

_RECIPE = Record(
    {
        "kind": Field(
            Fact(Choice(RECIPES), when_unknown=NOTHING), is_required=True, about="its model"
        ),
        "name": optional(SITE_NAME, "what the site calls it"),
        "node_classes": defaulting(NAMES, "where it is for; all where none is named"),
        "image": optional(Text(), "what the image must hold"),
        "stack": optional(SITE_NAME, "one of `mpi_stacks`"),
        "launcher": optional(Text(), "one of `launchers`"),
        "mpi_type": optional(Text(), "of `srun --mpi`; `null` is the site's default"),
        "modules": defaulting(NAMES, "environment modules to load, in their order"),
        "env": group(TEXT_BY_NAME, "variables of the job"),
        "container_env": group(TEXT_BY_NAME, "variables in the container"),
        "binds": defaulting(TEXTS, "paths to mount"),
        "binds_if_there": defaulting(
            TEXTS, "paths to mount where they exist; a missing one stops the container"
        ),
        "libraries": defaulting(PATHS, "libraries of the host that the runtime mounts"),
        "preload": defaulting(TEXTS, "libraries to load before all others"),
        "options": defaulting(TEXTS, "options of the runtime"),
        "note": optional(Text(), "what else to know"),
    }
)

RECIPE_LIST = ListOf(
    Either((Choice(RECIPES), Sourced(_RECIPE)), expected="a recipe's kind, or a mapping"),
    expected="a list of recipes",
)
