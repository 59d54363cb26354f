#!/bin/sh
# Put process 1 of a node into a control group of its own (version 2), and let it go on as node.sh.
#   node-group.sh NODE
# The namespace made here has the group as its root, so that the node sees it as the whole tree.
set -eu
mkdir "/sys/fs/cgroup/$1"
echo 0 >"/sys/fs/cgroup/$1/cgroup.procs"
exec unshare --cgroup /bin/sh /run/box/state/inside/node.sh "$1"
