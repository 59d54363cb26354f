#!/bin/sh
# Let apt take some packages, and nothing else, from Debian sid: mmdebstrap --setup-hook.
#   recipe-sid.sh ROOT PACKAGE…
# The archive is the one that mmdebstrap was told to use, so it is not named here.
set -eu
root=$1
shift
[ $# -gt 0 ] || exit 0

# The first "deb [options] address suite component…" line. sid's Release file may be past its date,
# because snapshots and mirrors lag behind.
sed -n '
    s/^deb  *\[\([^]]*\)\]  *\([^ ]*\) .*/deb [\1 check-valid-until=no] \2 sid main/p
    t end
    s/^deb  *\([^ [][^ ]*\) .*/deb [check-valid-until=no] \1 sid main/p
    t end
    b
    :end
    q
' "$root/etc/apt/sources.list" >"$root/etc/apt/sources.list.d/sid.list"

{
    printf 'Package: *\nPin: release n=sid\nPin-Priority: -1\n'
    for package; do
        printf '\nPackage: %s\nPin: release n=sid\nPin-Priority: 990\n' "$package"
    done
} >"$root/etc/apt/preferences.d/sid"
