#!/bin/sh
# Finish the root file system of the nodes: mmdebstrap --customize-hook.
#   recipe-finish.sh ROOT
set -eu
root=$1

# Slurm's pmix plugin opens the unversioned name, which Debian ships in the development package
# only; without it PMIx jobs fail although `srun --mpi=list` names pmix.
for library in "$root"/usr/lib/*/libpmix.so.2 "$root"/usr/lib/*/pmix2/lib/libpmix.so.2; do
    [ -e "$library" ] || continue
    [ -e "${library%.2}" ] || ln -s libpmix.so.2 "${library%.2}"
done

# Options for apt stay in the system that mmdebstrap makes: here proxies, with passwords perhaps.
rm -f "$root/etc/apt/apt.conf.d/99mmdebstrap"

# On every node: Apptainer and what packs images, from the folder that recipe-tools.sh has made.
mkdir -p "$root/opt/tools"
ln -s /opt/tools/usr/bin/apptainer "$root/usr/bin/apptainer"

# Nothing is ever installed in a node: package lists, and what served to install, only take room.
rm -rf "$root"/var/lib/apt/lists/* "$root"/var/cache/debconf/*-old "$root"/var/lib/dpkg/*-old \
    "$root"/var/log/* "$root"/usr/share/doc/* "$root"/usr/share/info/*
: >"$root/etc/resolv.conf"
: >"$root/etc/machine-id"
