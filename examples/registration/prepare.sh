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

mkdir -p "$folder/data"
folder=$(CDPATH='' cd -- "$folder" && pwd)
cp "$here/job.yaml" "$here"/*.py "$folder/"
[ -e "$folder/data/true_field.nii" ] && exit 0

[ -e "$folder/data/$wheel" ] ||
    python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: \
        --dest "$folder/data" nilearn==0.14.1

# Whoever runs inside writes the input, and may be another than the caller.
chmod 777 "$folder" "$folder/data"
set -- apptainer --quiet exec --bind "$folder" --pwd "$folder" "$folder/../images/openmpi.sif" \
    python3 prepare.py "data/$wheel" data
command -v apptainer >/dev/null || set -- hpcrun sandbox exec --name "$sandbox" -- "$@"
exec "$@"
