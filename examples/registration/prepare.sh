#!/bin/sh
# Lays the job out in a folder that all nodes see: program, job file and input.
#
#   sh examples/registration/prepare.sh FOLDER
#
# Fetches the wheel of nilearn with pip and makes the input from it with the Python of the image
# beside FOLDER (../images/openmpi.sif), which has numpy. Where this machine has no Apptainer, that
# happens on the login node of the sandbox. Does nothing that is done already.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
folder=${1:?"usage: prepare.sh FOLDER"}
sandbox=${SANDBOX:-sandbox}
wheel=nilearn-0.14.1-py3-none-any.whl

# Where the command `apptainer` is: here, or inside the sandbox.
inside() {
    if command -v apptainer >/dev/null; then "$@"; else hpcrun sandbox exec --name "$sandbox" -- "$@"; fi
}

umask 022
case $folder in /*) ;; *) folder=$PWD/$folder ;; esac
# Everything is written by whoever will run the job, who may be another than the caller and could
# lay a link in the caller's way.
inside mkdir -p "$folder/data"
(cd "$here" && tar -c job.yaml ./*.py) | inside tar -x -m --no-same-owner -C "$folder"
[ -e "$folder/data/true_field.nii" ] && exit 0

if ! [ -e "$folder/data/$wheel" ]; then
    fetched=$(mktemp -d)
    trap 'rm -rf "$fetched"' EXIT
    python3 -I -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: \
        --dest "$fetched" nilearn==0.14.1
    # Single quotes: the words are for the shell inside.
    # shellcheck disable=SC2016
    inside sh -c 'cat >"$1.part" && mv "$1.part" "$1"' put "$folder/data/$wheel" <"$fetched/$wheel"
fi
inside apptainer --quiet exec --bind "$folder" --pwd "$folder" "$folder/../images/openmpi.sif" \
    python3 prepare.py "data/$wheel" data
