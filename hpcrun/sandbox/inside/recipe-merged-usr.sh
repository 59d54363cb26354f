#!/bin/sh
# Give a root file system one /usr, as later suites have by themselves: mmdebstrap --setup-hook.
#   recipe-merged-usr.sh ROOT
# A node's root is a copy of the small folders beside a bind of /usr, so all programs must lie there.
set -eu
for name in bin sbin lib lib32 lib64 libx32; do
    mkdir -p "$1/usr/$name"
    ln -s "usr/$name" "$1/$name"
done
