#!/bin/sh
# Start a node in namespaces of its own, in the network that the box has made for it.
#   start-node.sh NODE
# Runs in the box; becomes the process that waits for the node's init.
set -eu
node=$1
rm -rf "/run/box/state/logs/$node"
mkdir -p "/run/box/state/logs/$node"
# shellcheck source=/dev/null
. /run/box/state/settings.sh
init="/bin/sh /run/box/state/inside/node.sh"
if [ -n "$BOX_UNIFIED" ]; then
    # What a node that has died left in its group could hold no process of the new one.
    group="/sys/fs/cgroup/$node"
    tries=0
    while [ -d "$group" ] && [ $tries -lt 100 ]; do
        find "$group" -depth -type d -exec rmdir {} \; 2>/dev/null || :
        tries=$((tries + 1))
        [ ! -d "$group" ] || sleep 0.1
    done
    init="/bin/sh /run/box/state/inside/node-group.sh"
fi
# Words are wanted.
# shellcheck disable=SC2086
exec nsenter --net="/run/netns/$node" unshare --fork --mount --uts --ipc --pid \
    $init "$node" \
    >"/run/box/state/logs/$node/boot.log" 2>&1
