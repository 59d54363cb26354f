"""What runs at the site when files are copied there and back: POSIX sh, GNU tar and find.

Whatever a script writes it writes aside and renames; what an earlier one left aside, its machine
having died, is removed after a day. It is for its owner alone.
"""

_ASIDE = """
set -eu
umask 077
mkdir -p "$1"
find "$1" -mindepth 1 -maxdepth 1 -name '.new-*' -mmin +1440 -exec rm -rf {} +
trap 'rm -rf "${new:-}"' EXIT
trap 'exit 1' HUP INT TERM PIPE
"""

IS_THERE = '[ -d "$1/$2" ]'
UNPACK_RUN = f"""{_ASIDE}
new=$(mktemp -d "$1/.new-$2.XXXXXX")
tar -xpf - --no-same-owner -C "$new"
sync "$new" 2>/dev/null || sync
mv -T "$new" "$1/$2"
"""

HAS_IMAGE = '[ "$(stat -c "%s %Y" "$1/$2" 2>/dev/null)" = "$3 $4" ]'
KEEP_IMAGE = f"""{_ASIDE}
new=$(mktemp "$1/.new-XXXXXX")
cat >"$new"
[ "$(sha256sum <"$new")" = "$3  -" ] || {{ echo 'the copy is not whole' >&2; exit 1; }}
touch -d "@$4" "$new"
sync "$new" 2>/dev/null || sync
mv -f "$new" "$1/$2"
"""

LIST = r"""
cd "$1" || exit 66
find . -mindepth 1 -maxdepth "$2" \( -type f -o -type l \) -printf '%y %s %T@ %P\0' | head -c "$3"
"""
PACK = """
cd "$1" || exit 66
tar --null --verbatim-files-from --no-recursion --hard-dereference --format=pax -cf - -T - |
    head -c "$2"
"""
