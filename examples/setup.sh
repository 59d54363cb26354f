# shellcheck shell=sh
# Make hpcrun runnable from this checkout; sourced by quickstart.sh and tests/run.sh.
#
#   need PACKAGE CHECK…   note a Debian package that is missing when the command CHECK does not work
#   install_needed        as root install what was noted; as an ordinary user say how, and fail
#   make_venv EXTRAS      make .venv with hpcrun and its extras ("" for none), once per pyproject.toml
#
# Expects $checkout; sets $venv.

venv="${checkout:?}/.venv"
missing=""

say() { printf '%s\n' "$*" >&2; }

need() {
    package=$1
    shift
    "$@" >/dev/null 2>&1 || missing="$missing $package"
}

install_needed() {
    [ -n "$missing" ] || return 0
    if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
        say "missing on this machine:$missing"
        say "help: only root can install them: sudo apt-get install --no-install-recommends$missing"
        return 69
    fi
    say "installing$missing"
    log=$(mktemp)
    # The word splitting of $missing is wanted: one argument per package.
    # shellcheck disable=SC2086
    if ! { apt-get update -q && DEBIAN_FRONTEND=noninteractive \
        apt-get install -q -y --no-install-recommends $missing; } >"$log" 2>&1; then
        tail -n 15 "$log" >&2
        say "cannot install$missing (all of it: $log)"
        return 69
    fi
    rm -f "$log"
}

make_venv() {
    extras=$1
    # Extras only add, so each has a mark of its own, and quickstart and tests do not undo each other.
    mark="$venv/.made-for${extras:+-$extras}"
    want="$(python3 -V) $(cksum <"$checkout/pyproject.toml")"
    [ "$(cat "$mark" 2>/dev/null)" = "$want" ] && return 0
    if ! python3 -I -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
        say "hpcrun needs Python 3.11 or newer, this is $(python3 -V 2>&1)"
        exit 69
    fi
    say "making a Python environment in $venv"
    rm -f "$mark"
    python3 -I -m venv "$venv" || exit 73
    "$venv/bin/python" -P -m pip install --quiet --disable-pip-version-check \
        --editable "$checkout${extras:+[$extras]}" || exit 69
    printf '%s\n' "$want" >"$mark"
}
