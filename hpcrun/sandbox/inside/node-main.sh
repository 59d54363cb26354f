#!/bin/sh
# The services of a node, and its end: child of the node's init, in the node's own root.
#   node-main.sh NODE LOGIN
set -eu
PATH=/usr/sbin:/usr/bin:/sbin:/bin
export PATH
services=""

stop() {
    trap '' TERM
    for service in $services; do kill -TERM "$service" 2>/dev/null || :; done
    for service in $services; do wait "$service" || :; done
    exit 0
}
trap stop TERM

if [ "$1" = "$2" ]; then
    slurmctld -D >/var/log/slurm/slurmctld.log 2>&1 &
else
    slurmd -D >/var/log/slurm/slurmd.log 2>&1 &
fi
services=$!

# A service that ends leaves its node running, as on a real cluster.
wait $services || :
while :; do sleep 3600 & wait $! || :; done
