#!/bin/sh
# The box: the network between the nodes, and the nodes; ends when told to (TERM).
# Child of process 1 of the box's namespaces, whose root is the nodes' root file system, read-only.
#   /run/box/state   folder of the sandbox, with settings.sh
set -eu
PATH=/usr/sbin:/usr/bin:/sbin:/bin
# shellcheck source=/dev/null
. /run/box/state/settings.sh

children=""

stop() {
    trap '' TERM
    # One after the other, the login node first: its slurmctld ends quickly only while the nodes
    # still answer.
    for child in $children; do
        # The child is unshare, which waits; its own child is process 1 of the node. Words, not
        # lines, are wanted here.
        # shellcheck disable=SC2013
        for init in $(cat "/proc/$child/task/$child/children" 2>/dev/null); do
            # A node that is paused (fault.sh) could not end.
            nsenter --target "$init" --mount --pid -- /bin/sh -c 'kill -s CONT -- -1' 2>/dev/null || :
            kill -TERM "$init" 2>/dev/null || :
        done
        [ "$child" != "${children%% *}" ] || wait "$child" || :
    done
    for child in $children; do wait "$child" || :; done
    exit 0
}
trap stop TERM

ip link set lo up
ip link add box type bridge
ip link set box up
mkdir -p /run/box/nodes /run/netns

# An own list of handlers for programs of other processors, empty at first (Linux 6.7); the
# machine's no longer counts here, so nodes emulate what this sandbox says and nothing else.
if [ -n "$BOX_HANDLER" ]; then
    mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc
    printf '%s' "$BOX_HANDLER" >/proc/sys/fs/binfmt_misc/register
elif [ -z "$BOX_MACHINE_HANDLERS" ]; then
    mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc 2>/dev/null || :
fi

# The box's own group of version 2 may hold nodes' groups only if it holds no process itself; the
# last one to leave is the keeper outside, which ends about now.
if [ -n "$BOX_UNIFIED" ]; then
    mkdir /sys/fs/cgroup/box
    for process in 1 "$$"; do echo "$process" >/sys/fs/cgroup/box/cgroup.procs; done
    tries=0
    until echo +memory >/sys/fs/cgroup/cgroup.subtree_control || [ $tries -ge 100 ]; do
        tries=$((tries + 1))
        sleep 0.1
    done
    echo +pids >/sys/fs/cgroup/cgroup.subtree_control || :
fi

start_node() {
    /bin/sh /run/box/state/inside/start-node.sh "$1" &
    children="${children:+$children }$!"
}

# Nodes that died and are to be there again (fault.sh), started from here as they were at first.
# shellcheck disable=SC2317 # called by the trap
heal() {
    for healed in /run/box/healed/*; do
        [ -e "$healed" ] || continue
        rm "$healed"
        start_node "${healed##*/}"
    done
}
mkdir /run/box/healed
trap heal USR1

for node in $BOX_NODES; do
    # A network namespace of its own, tied to the bridge by a pair of links.
    ip netns add "$node"
    ip link add "v-$node" type veth peer name eth0 netns "$node"
    ip link set "v-$node" master box up
    address=$(sed -n "s/^\([0-9.]*\) $node\$/\1/p" /run/box/state/etc/hosts)
    # Not `ip -n`, which puts another /sys in the place of the only one that may be mounted here.
    nsenter --net="/run/netns/$node" ip link set lo up
    nsenter --net="/run/netns/$node" ip addr add "$address/16" dev eth0
    nsenter --net="/run/netns/$node" ip link set eth0 up

    start_node "$node"

    # What Slurm remembers must be put right before a node can take jobs (node-main.sh).
    ready=/run/box/state/logs/$BOX_LOGIN/slurm-is-ready
    tries=0
    while [ "$node" = "$BOX_LOGIN" ] && [ ! -e "$ready" ] && [ $tries -lt 1200 ]; do
        tries=$((tries + 1))
        sleep 0.1
    done
done

# A node that ends alone leaves the others running, as in a real cluster. Whoever removes the folder
# by hand has nothing left to end the box with, so it ends by itself.
while [ -e /run/box/state/settings.sh ]; do sleep 10 & wait $! || :; done
stop
