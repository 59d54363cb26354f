#!/bin/sh
# All that CI runs: format, lint, types, layers, schemas, unit and real-tool tests in the sandbox.
#
#   sh tests/run.sh            everything
#   sh tests/run.sh fast       the inner loop: nothing that needs Slurm, Apptainer or a build
#   sh tests/run.sh full       everything, in every Slurm version that a sandbox can have
#   sh tests/run.sh bench      the benchmarks
#   sh tests/run.sh truth …    what the engine says against what really happens (tests/truth/README.md)
#   sh tests/run.sh pytest …   pytest with these arguments
#
# On a bare Debian machine root gets what is missing installed; an ordinary user is told how.
set -eu

checkout=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
# shellcheck source=examples/setup.sh
. "$checkout/examples/setup.sh"

need python3-venv python3 -I -c 'import ensurepip'
need ca-certificates test -e /etc/ssl/certs/ca-certificates.crt
if [ "${1:-all}" != fast ]; then
    need mmdebstrap command -v mmdebstrap
    need openssh-client command -v ssh
    need uidmap command -v newuidmap
    need squashfs-tools command -v unsquashfs
    need shellcheck command -v shellcheck
    need git command -v git
    need umoci command -v umoci
    need g++ command -v g++
fi
install_needed || exit
make_venv dev,image

# Two workers where there are two cores, each with a sandbox of its own (tests/two_workers.py).
workers=0
[ "$(nproc)" -lt 2 ] || workers=2

cd "$checkout"
case ${1:-all} in
all) exec "$venv/bin/python" -m pytest -q -n "$workers" ;;
full) exec "$venv/bin/python" -m pytest -q --all-versions ;;
fast) exec "$venv/bin/python" -m pytest -q -n "$workers" --fast ;;
bench)
    shift
    exec "$venv/bin/python" -m tests.benchmarks "$@"
    ;;
truth)
    shift
    exec "$venv/bin/python" -m tests.truth "$@"
    ;;
pytest)
    shift
    exec "$venv/bin/python" -m pytest "$@"
    ;;
*)
    say "usage: sh tests/run.sh [fast|full|bench|truth …|pytest …]"
    exit 64
    ;;
esac
