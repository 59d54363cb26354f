#!/bin/sh
# Makes images of the examples by name: sh examples/images/build.sh openmpi mpich
#
# `hpcrun` must be on PATH, and the sandbox be up; see README.md beside this file.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
exec python3 "$here/build.py" "$@"
