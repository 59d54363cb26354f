#!/bin/sh
# Break a node, or heal it of everything that this script has done to it.
#   fault.sh NODE kill|cut|throttle|slow|fill-disk|pause|heal [RATE]
# Runs in the box, as its root.
set -eu
PATH=/usr/sbin:/usr/bin:/sbin:/bin
node=$1
fault=$2
rate=${3:-}
init=$(cat "/run/box/nodes/$node")
# Where the node has died, its number may be another process's by now, of the box perhaps.
theirs=$(readlink "/proc/${init:-none}/ns/pid" 2>/dev/null) || :
[ -n "$theirs" ] && [ "$theirs" != "$(readlink /proc/self/ns/pid)" ] || init=""

in_node() {
    [ -n "$init" ] || { echo "the node is not up" && exit 1; }
    nsenter --target "$init" --mount --uts --ipc --net --pid -- /bin/sh -c "$1" </dev/null
}

case $fault in
kill)
    # The number is forgotten first: it may soon be another process's.
    : >"/run/box/nodes/$node"
    [ -z "$init" ] || kill -KILL "$init"
    ;;
cut) ip link set "v-$node" down ;;
throttle)
    limit="tbf rate $rate burst 32kb latency 400ms"
    # Words are wanted.
    # shellcheck disable=SC2086
    tc qdisc replace dev "v-$node" root $limit
    # shellcheck disable=SC2086
    nsenter --net="/run/netns/$node" tc qdisc replace dev eth0 root $limit
    ;;
slow)
    # The kernel may have no delay for networks (netem), so the node's processes, all but init and
    # this loop, run for a quarter of the time only.
    # shellcheck disable=SC2016
    in_node '[ ! -e /run/node/slow ] || exit 0
        setsid sh -c "while :; do
            kill -s STOP -- -1; sleep 0.3; kill -s CONT -- -1; sleep 0.1
        done" >/dev/null 2>&1 & echo $! >/run/node/slow'
    ;;
fill-disk)
    # A small one in the place of the real one, which is this machine's disk.
    in_node 'grep -q "^full /tmp " /proc/mounts || mount -t tmpfs -o size=1m,mode=1777 full /tmp
        head -c 2m /dev/zero >/tmp/full 2>/dev/null || :'
    ;;
pause) in_node 'kill -s STOP -- -1' ;;
heal)
    ip link set "v-$node" up
    tc qdisc del dev "v-$node" root 2>/dev/null || :
    nsenter --net="/run/netns/$node" tc qdisc del dev eth0 root 2>/dev/null || :
    if [ -z "$init" ]; then
        : >"/run/box/healed/$node"
        kill -s USR1 1
        exit 0
    fi
    # shellcheck disable=SC2016
    in_node '[ ! -e /run/node/slow ] || kill -KILL "$(cat /run/node/slow)" || :
        rm -f /run/node/slow
        kill -s CONT -- -1 || :
        ! grep -q "^full /tmp " /proc/mounts || umount -l /tmp'
    ;;
esac
