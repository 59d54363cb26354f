#!/bin/sh
# The main job on a fresh machine: a real Slurm cluster in a folder, an MPI image, a medical image
# registered by 4 ranks on 2 nodes. Run it again and it takes seconds.
#
#   sh examples/quickstart.sh
#
# On a bare Debian machine root gets what is missing installed; an ordinary user is told how.
# Where the cluster cannot be made it says why, and shows the plan and the script of the main job.
set -eu

checkout=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
example="$checkout/examples/registration"
# shellcheck source=examples/setup.sh
. "$checkout/examples/setup.sh"

need python3-venv python3 -I -c 'import ensurepip'
need ca-certificates test -e /etc/ssl/certs/ca-certificates.crt
need mmdebstrap command -v mmdebstrap
need uidmap command -v newuidmap

show_plan_only() {
    say ""
    say "the cluster cannot be made here (the reason stands above); this is what it would run:"
    say ""
    set -- "$example/job.yaml" --site "$example/site.yaml" --passport "$example/passport.json"
    hpcrun plan "$@"
    hpcrun render "$@"
    exit 69
}

install_needed || cannot_install=yes
case $missing in *python3-venv*) [ -z "${cannot_install:-}" ] || exit 69 ;; esac
make_venv ""
PATH="$venv/bin:$PATH"

[ -z "${cannot_install:-}" ] || show_plan_only
hpcrun sandbox up || show_plan_only
share=$(hpcrun sandbox status --json | python3 -I -c 'import json, sys; print(json.load(sys.stdin)["share"])')

sh "$checkout/examples/images/build.sh" openmpi
sh "$checkout/examples/registration/prepare.sh" "$share/registration"

hpcrun submit "$share/registration/job.yaml" --site sandbox --wait
hpcrun logs --runs "$share/registration/.hpcrun/runs"
say ""
say "picture: $share/registration/result.png (before, after, difference)"
