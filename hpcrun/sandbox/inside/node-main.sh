#!/bin/sh
# The services of a node, and its end: child of the node's init, in the node's own root.
#   node-main.sh NODE LOGIN NODES
# NODES are all of them, the login node first, with blanks between.
set -eu
PATH=/usr/sbin:/usr/bin:/sbin:/bin
export PATH
services=""
accounting=""

stop() {
    trap '' TERM
    for service in $services; do kill -TERM "$service" 2>/dev/null || :; done
    for service in $services; do wait "$service" || :; done
    # Last, as slurmctld has something to tell it at its end.
    if [ -n "$accounting" ]; then
        kill -TERM "$accounting" 2>/dev/null || :
        wait "$accounting" || :
    fi
    exit 0
}
trap stop TERM

restart() {
    for service in $services; do kill -TERM "$service" 2>/dev/null || :; done
    for service in $services; do wait "$service" || :; done
    slurmctld -D >>/var/log/slurm/slurmctld.log 2>&1 &
    services=$!
}

# Where Slurm has no keys of its own, munge vouches for users. It ends last, with the node.
if grep -q '^AuthType=auth/munge' /etc/slurm/slurm.conf; then
    setpriv --reuid munge --regid munge --clear-groups munged --foreground >/var/log/slurm/munged.log 2>&1 &
    munged=$!
    until [ -S /run/munge/munge.socket.2 ]; do
        kill -0 $munged 2>/dev/null || break
        sleep 0.05
    done
fi

if [ "$1" = "$2" ]; then
    if [ -e /run/node/accounting.sh ]; then
        /bin/sh /run/node/accounting.sh >/var/log/slurm/accounting.log 2>&1 &
        accounting=$!
        until [ -e /var/log/slurm/accounting-is-ready ]; do
            kill -0 $accounting 2>/dev/null || break
            sleep 0.05
        done
    fi
    slurmctld -D >/var/log/slurm/slurmctld.log 2>&1 &
    services=$!
    until scontrol ping 2>/dev/null | grep -q 'UP$'; do
        kill -0 $services 2>/dev/null || break
        sleep 0.05
    done
    # Jobs that ran when the cluster last ended have ended with it. Slurm cannot know, because its
    # nodes did not start anew together with their kernel; a node that was down makes it say so.
    # By their names, as Slurm 20.11 knows no `ALL` here.
    nodes=$(echo "${3#"$2" }" | tr ' ' ,)
    scontrol update nodename="$nodes" state=down reason='the sandbox was started anew' || :
    scontrol update nodename="$nodes" state=resume || :
    [ ! -d /opt/sshd ] || /bin/sh /etc/ssh/sshd.sh >/var/log/slurm/sshd.log 2>&1 &
    : >/var/log/slurm/slurm-is-ready
    trap restart USR1
else
    slurmd -D >/var/log/slurm/slurmd.log 2>&1 &
    services=$!
fi

# A service that ends leaves its node running, as on a real cluster.
wait $services || :
while :; do sleep 3600 & wait $! || :; done
