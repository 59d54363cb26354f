#!/bin/sh
# Runs the README's set-up blocks, word for word, on a bare Debian 12 that has python3 and nothing else.
#
#   sh tests/fresh.sh                 as root there
#   sh tests/fresh.sh --user          as an ordinary user there, after the apt line that it is told
#   sh tests/fresh.sh [--user] WORD   only the blocks that hold WORD (quickstart, tests/run)
#
# Needs root and mmdebstrap here. The bare root is made anew each time, entered by pivot_root in
# namespaces of its own, and removed at the end. It gets this machine's way to the registries
# (name servers, certificates, apt and pip settings), because that belongs to the network, not to it.
set -eu

checkout=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)

if [ "${1:-}" = --inside ]; then
    root=$2 blocks=$3 user=$4
    mount --bind "$root" "$root"
    cd "$root"
    mkdir -p .outside
    mount --rbind /dev dev
    mount --rbind /sys sys
    mount -t proc proc proc
    pivot_root . .outside
    umount -l /.outside
    rmdir /.outside
    exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
        HOME=/root TERM=dumb LANG=C.UTF-8 \
        sh /fresh-inside.sh "$blocks" "$user"
fi

user=root
if [ "${1:-}" = --user ]; then
    user=newcomer
    shift
fi
word=${1:-}

work=$(mktemp -d)
root=$work/root
trap 'rm -rf --one-file-system "$work"' EXIT

# The $ belongs to apt's format.
# shellcheck disable=SC2016
mirror=$(apt-get indextargets --format '$(REPO_URI) $(RELEASE)' 2>/dev/null |
    awk '$2 == "bookworm" {print $1; exit}')
# An empty $mirror must vanish: mmdebstrap then takes its default.
# shellcheck disable=SC2086
mmdebstrap --quiet --variant=minbase --include=python3 bookworm "$root" $mirror
git clone --quiet "$checkout" "$root/srv/hpcrun"

carry() {
    for path in "$@"; do
        [ -e "$path" ] || continue
        mkdir -p "$root/$(dirname "$path")"
        cp -rL "$path" "$root/$(dirname "$path")/"
    done
}
carry /etc/resolv.conf /etc/hosts /etc/pip.conf /etc/ssl/certs/ca-certificates.crt
carry /usr/local/share/ca-certificates

# The blocks stand between the heading "## Two commands" and the next one.
awk -v word="$word" '
    /^## / {inside = ($0 == "## Two commands")}
    inside && /^```sh$/ {block = ""; reading = 1; next}
    inside && /^```$/ && reading {reading = 0; if (index(block, word)) printf "%s", block; next}
    reading {block = block $0 "\n"}
' "$checkout/README.md" >"$root/blocks.sh"
[ -s "$root/blocks.sh" ] || { echo "README.md has no block under \"## Two commands\" with: $word" >&2; exit 1; }

cat >"$root/fresh-inside.sh" <<'INSIDE'
# First process of the bare machine: runs the blocks, as root or as a newcomer.
set -eu
blocks=$1 user=$2
cd /srv/hpcrun
if [ "$user" = root ]; then
    exec sh -eux "$blocks"
fi
useradd --create-home "$user"
chown -R "$user" /srv/hpcrun
as_user() { setpriv --reuid "$user" --regid "$user" --init-groups env HOME="/home/$user" USER="$user" "$@"; }
# What only root can install is told by the commands themselves; do as told until they are content.
for try in 1 2 3; do
    echo "as $user, try $try"
    code=0
    as_user sh -eux "$blocks" 2>told || code=$?
    cat told >&2
    line=$(sed -n 's/^.*: sudo \(apt-get install .*\)$/\1/p' told | head -n 1)
    [ "$code" -ne 0 ] && [ -n "$line" ] || exit "$code"
    apt-get update -q
    # shellcheck disable=SC2086
    DEBIAN_FRONTEND=noninteractive $line -y -q
done
exit 1
INSIDE

echo "blocks of the README:" && sed 's/^/    /' "$root/blocks.sh"
unshare --mount --pid --fork --kill-child sh "$checkout/tests/fresh.sh" --inside "$root" /blocks.sh "$user"
echo "fresh machine: the README's blocks passed (as $user)"
