#!/bin/sh
# Start a node in namespaces of its own, in the network that the box has made for it.
#   start-node.sh NODE
# Runs in the box; becomes the process that waits for the node's init.
set -eu
node=$1
rm -rf "/run/box/state/logs/$node"
mkdir -p "/run/box/state/logs/$node"
exec nsenter --net="/run/netns/$node" unshare --fork --mount --uts --ipc --pid \
    /bin/sh /run/box/state/inside/node.sh "$node" \
    >"/run/box/state/logs/$node/boot.log" 2>&1
