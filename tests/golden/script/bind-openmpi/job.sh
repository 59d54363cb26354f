#!/bin/sh
# brain-registration at site fjord, written by hpcrun as run brain-registration-TOKEN
# bind model: the site's openmpi-5.0.11 in the image's place, started by `srun --mpi=pmix`
#SBATCH --job-name="brain-registration"
#SBATCH --comment="hpcrun:TOKEN"
#SBATCH --partition="main"
#SBATCH --nodes=2
#SBATCH --ntasks=4
#SBATCH --cpus-per-task=1
#SBATCH --mem="2048M"
#SBATCH --time="00:10:00"
#SBATCH --chdir="/scratch/anna/brains"
#SBATCH --output="/RUNS/brain-registration-TOKEN/logs/slurm-%j.out"
#SBATCH --open-mode=append
#SBATCH --no-requeue
#SBATCH --export=ALL

# shellcheck disable=SC2016 # single quotes keep the words of the job as they are
set -u

# Only one Slurm job may carry out this run: mkdir succeeds once, even if the job was submitted twice.
run_folder=/RUNS/brain-registration-TOKEN
job_id=${SLURM_JOB_ID:?this script must be started by sbatch}
if [ -f "$run_folder/run.json" ] && mkdir "$run_folder/claim" 2>/dev/null; then
    mkdir "$run_folder/claim/$job_id" || exit 73
elif [ -d "$run_folder/claim/$job_id" ]; then
    echo "hpcrun: Slurm requeued job $job_id; it starts again from the beginning" >&2
elif [ -d "$run_folder/claim" ]; then
    echo "hpcrun: another Slurm job carries out this run already; job $job_id does nothing" >&2
    exit 78
else
    echo "hpcrun: node $(uname -n) cannot see or write to the run's folder $run_folder" >&2
    exit 73
fi

# The job leaves its own records, because a Slurm without accounting forgets jobs after minutes.
# Each is written whole and then renamed, so that a reader never sees half a record.
stage=start signal=null cause=null started_at=$(date +%s)
write_start() {
    printf '{"version": 1, "job_id": "%s", "nodes": "%s", "started_at": %s}\n' \
        "$job_id" "${SLURM_JOB_NODELIST:-}" "$started_at" >"$run_folder/.start.$job_id" &&
        mv -f "$run_folder/.start.$job_id" "$run_folder/start.json"
}
write_final() { # EXIT_CODE
    printf '{"version": 1, "job_id": "%s", "stage": "%s", "exit_code": %s, "signal": %s, "cause": %s, %s}\n' \
        "$job_id" "$stage" "$1" "$signal" "$cause" \
        "\"started_at\": $started_at, \"ended_at\": $(date +%s), \"ends_at\": ${SLURM_JOB_END_TIME:-null}" \
        >"$run_folder/.final.$job_id" &&
        mv -f "$run_folder/.final.$job_id" "$run_folder/final.json"
}
give_up() { # EXIT_CODE MESSAGE
    printf 'hpcrun: %s\n' "$2" >&2
    exit "$1"
}
# Slurm kills soon after it asks to stop, so the record is written first and corrected at the end.
stop() { # SIGNAL
    signal=$1
    write_final $((128 + signal))
    # Not by a variable: between the start of the step and its setting a trap would find none.
    [ -n "${!-}" ] || exit $((128 + signal))
    kill "$!" 2>/dev/null
}
trap 'write_final $?' EXIT
trap 'stop 15' TERM
trap 'stop 2' INT
trap 'stop 1' HUP
write_start

# The image must be the one that was checked, and what starts it must be here.
stage=preflight
image=/scratch/anna/brains/registration.sif
[ -f "$image" ] || give_up 66 "the image $image is gone"
[ "$(stat -L -c '%s %Y' "$image")" = '270123008 1763600000' ] ||
    give_up 66 "the image $image is not the one that was planned for (size or time differs)"
command -v apptainer >/dev/null || give_up 69 'there is no apptainer on this node'
workdir=/scratch/anna/brains
cd "$workdir" || give_up 66 "the working folder $workdir cannot be entered on this node"

# For the container: Apptainer passes APPTAINERENV_NAME on as NAME.
# the site's MPI
export APPTAINERENV_LD_LIBRARY_PATH=/opt/hpc/openmpi-5.0.11/lib
# Open MPI finds its parts
export APPTAINERENV_OPAL_PREFIX=/opt/hpc/openmpi-5.0.11

# The ranks get Slurm's variables and those named here, nothing else of the submitter's environment.
stage=application
output=$run_folder/logs/slurm-$job_id.out
said_before=$(wc -c 2>/dev/null <"$output" || echo 0)
srun --mpi=pmix \
    --nodes=2 --ntasks=4 --cpus-per-task=1 \
    --kill-on-bad-exit=1 \
    --export=HOME,LOGNAME,PATH,USER,APPTAINERENV_LD_LIBRARY_PATH,APPTAINERENV_OPAL_PREFIX \
    apptainer --quiet exec --no-eval \
    --mount type=bind,source=/opt/hpc/openmpi-5.0.11,destination=/opt/hpc/openmpi-5.0.11,ro \
    --pwd "$workdir" \
    "$image" \
    python3 /opt/register.py --fixed t1.nii.gz &
# In the background, so that the traps act at once; a trap interrupts wait, hence the loop.
while wait "$!"; code=$?; kill -0 "$!" 2>/dev/null; do :; done
# The step may have ended right after a signal ended the wait: its own code is then still to be had,
# and 127 says that the wait before has had it.
last=0
wait "$!" 2>/dev/null || last=$?
[ "$last" -eq 127 ] || code=$last

# Where one task fails, srun ends the others, and its own code may be theirs (24.11: 143 for 3).
# Its lines in the output say in their order how each ended. A task that took too much memory is the
# cause wherever its line stands; srun's own code is 1 then. They are its last words, so of an output
# of any size the last 8 MiB are enough.
if [ "$code" -ne 0 ] && [ "$signal" = null ]; then
    n_said=$(($(wc -c 2>/dev/null <"$output" || echo 0) - said_before))
    [ "$n_said" -le 8388608 ] || n_said=8388608
    said=$(tail -c "$n_said" "$output" 2>/dev/null |
        sed -n 's/^srun: error: [^ ]*: tasks\{0,1\} [^ ]*: //p')
    case $said in
    *'Out Of Memory'*) code=137 cause='"out-of-memory"' said='' ;;
    esac
    [ "$code" -gt 128 ] || said=''
    case $said in
    'Exited with exit code '[1-9]*)
        said=${said#Exited with exit code }
        code=${said%%[!0-9]*}
        ;;
    'Illegal instruction'*) code=132 ;;
    Aborted*) code=134 ;;
    'Bus error'*) code=135 ;;
    'Floating point exception'*) code=136 ;;
    Killed*) code=137 ;;
    'Segmentation fault'*) code=139 ;;
    esac
fi
(exit "$code")
