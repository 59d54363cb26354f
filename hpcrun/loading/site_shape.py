"""What a site profile may hold (formats.md, version 1); does not make the Site of it."""

from hpcrun.loading.facts import Fact, Sourced
from hpcrun.loading.groups import Either, ListOf, MappingOf
from hpcrun.loading.leaves import Choice, Day, Integer, Nullable, Number, Text
from hpcrun.loading.records import Field, OneOf, Record
from hpcrun.loading.site_mpi_shape import (
    LAUNCHER,
    MPI_STACK,
    RECIPE_LIST,
    RUNTIME,
    SCHEDULER,
)
from hpcrun.loading.site_nodes_shape import NODE_CLASS, PARTITION, QOS
from hpcrun.loading.site_words import (
    ABSOLUTE_PATH,
    NAMES,
    PATHS,
    SITE_NAME,
    TEXT,
    TEXT_BY_NAME,
    count,
    defaulting,
    fact,
    flag,
    group,
    named,
    optional,
)

_WHICH = Record(
    {
        "cluster_name": optional(Text(), "Slurm's ClusterName"),
        "env": group(TEXT_BY_NAME, "variables and what they hold; `*` and `?` stand for text"),
        "files": group(
            TEXT_BY_NAME,
            "files that exist, not below `/proc` or `/sys`, and a text in each; it may be empty",
        ),
        "hostnames": defaulting(NAMES, "names of login nodes; `*` and `?` stand for text"),
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

_IMAGES = Record(
    {
        "build": group(
            Record(
                {
                    "allowed": flag("whether images may be built"),
                    "on": fact(NAMES, "where: login, compute"),
                    "means": fact(NAMES, "how: fakeroot, proot, setuid, podman"),
                }
            ),
            "building images at the site",
        ),
        "pull": group(
            Record(
                {
                    "allowed": flag("whether images may be fetched from registries"),
                    "on": fact(NAMES, "where: login, compute, or a partition"),
                    "registries": fact(NAMES, "the ones that can be reached, where not all can"),
                    "mirror": optional(Text(), "through which registries are reached"),
                }
            ),
            "fetching and converting images at the site",
        ),
        "instead": optional(Text(), "what to do where images cannot be built"),
        "cache": optional(Text(), "folder for the runtime's cache"),
        "unpacked": flag("whether the file systems take unpacked images"),
    }
)

_FILESYSTEMS = Record(
    {
        "shared": fact(PATHS, "folders that login and compute nodes share"),
        "scratch": optional(ABSOLUTE_PATH, "the fast one among them"),
        "login_only": defaulting(PATHS, "folders that compute nodes do not see"),
        "links": group(TEXT_BY_NAME, "folders that are links, and where they lead"),
        "variables": group(TEXT_BY_NAME, "variables that name folders"),
    }
)

_INTERNET = Record(
    {
        "login": flag("whether login nodes reach it"),
        "compute": flag("whether compute nodes reach it", probe="a job"),
        "proxies": group(TEXT_BY_NAME, "variables that name a proxy, and what they hold"),
    }
)

_POLICY = Record(
    {
        "automation": optional(Text(), "what the site says of automatic submission"),
        "jobs_max": count("that one user may have queued", probe="sacctmgr show assoc"),
        "login_cpu": optional(Text(), "what programs may use on login nodes"),
        "accounts": optional(Text(), "how accounts are named"),
    }
)

_PRICES = Record(
    {
        "currency": optional(Text(), "for example EUR"),
        "per_core_hour": optional(Number(), "price of a core for an hour"),
        "per_node_hour": optional(Number(), "price of a node for an hour"),
        "as_of": optional(Day(), "the day of the price list"),
    }
)

_LIFE = Record(
    {
        "from": optional(Day(), "its first day"),
        "until": optional(Day(), "its last day"),
        "note": optional(Text(), "what comes after it"),
    }
)

_NOTE = Record({"text": Field(Fact(Text()), is_required=True, about="one sentence")})

SITE = Record(
    {
        "version": Field(Integer(minimum=1, maximum=1), is_required=True, about="of this format"),
        "name": Field(SITE_NAME, is_required=True, about="the site's name, and the file's"),
        "description": defaulting(TEXT, "one line for people"),
        "as_of": optional(Day(), "the day on which all of it was so"),
        "extends": Field(Nullable(SITE_NAME), about="one other profile, whose values stay"),
        "references": Field(
            MappingOf(Text()), about="sources by a short name, which `source` may give instead"
        ),
        "which": group(_WHICH, "how to know that one stands on this site; all of it must fit"),
        "access": Field(_ACCESS, about="how commands reach the site"),
        "scheduler": group(SCHEDULER, "what starts jobs"),
        "node_classes": named(NODE_CLASS, "nodes that are alike, by a name"),
        "partitions": named(PARTITION, "Slurm's partitions"),
        "qos": named(QOS, "qualities of service"),
        "runtime": group(RUNTIME, "what runs images"),
        "launchers": named(LAUNCHER, "what starts ranks: srun, mpirun, mpiexec, the site's own"),
        "mpi_stacks": named(MPI_STACK, "the site's MPI installations, by a name"),
        "recipes": defaulting(RECIPE_LIST, "the site's own ways to run MPI in images"),
        "images": group(_IMAGES, "what the site allows with images"),
        "filesystems": group(_FILESYSTEMS, "where files are seen"),
        "internet": group(_INTERNET, "who reaches the internet"),
        "policy": group(_POLICY, "what the site wants of its users"),
        "prices": group(_PRICES, "what it costs"),
        "life": group(_LIFE, "when the site is there"),
        "notes": Field(
            ListOf(Either((Text(), Sourced(_NOTE)), expected="a text"), expected="a list of notes"),
            about="what else to know, for people",
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
