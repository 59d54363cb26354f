#!/bin/sh
# The ssh server of the login node (`--ssh`): runs as the job's user, who owns its host key.
#   sshd.sh
set -eu
place=/opt/sshd
owner=$(stat -c %u:%g /etc/ssh/ssh_host_ed25519_key)
# Built for the same Debian suite as the node, but lying elsewhere: so its libraries must be named,
# and since OpenSSH 9.8 its helpers.
for folder in "$place"/usr/lib/*-linux-* "$place"/lib/*-linux-*; do
    [ ! -d "$folder" ] || libraries=${libraries:+$libraries:}$folder
done
set -- "$place/usr/sbin/sshd" -D -e -f /etc/ssh/sshd_config
for helper in session auth; do
    [ ! -e "$place/usr/lib/openssh/sshd-$helper" ] ||
        set -- "$@" -o "Sshd$([ $helper = auth ] && echo Auth || echo Session)Path=$place/usr/lib/openssh/sshd-$helper"
done
exec env LD_LIBRARY_PATH="$libraries" \
    setpriv --reuid "${owner%:*}" --regid "${owner#*:}" --clear-groups "$@"
