#!/bin/sh
# Process 1 of a node: build its root, move into it, become its init.
#   node.sh NODE
# Runs in the node's own network, mount, UTS, IPC and PID namespaces. Still sees the box's root.
set -eu
PATH=/usr/sbin:/usr/bin:/sbin:/bin
node=$1
# shellcheck source=/dev/null
. /run/box/state/settings.sh
state=/run/box/state
own="$state/nodes/$node"

# The number of this process in the box, whose /proc this still is: a node is entered by it.
read -r pid _ </proc/self/stat
exec 3>"/run/box/nodes/$node"

hostname "$node"
mount -t tmpfs -o mode=755,nosuid,nodev "$node" /mnt
cd /mnt
mkdir -p dev proc sys run usr home opt/hpc opt/tools media mnt srv tmp
cp -a /bin /sbin /lib* /etc /var /root .
chmod 711 root
# The marks of the box's root (ro, nosuid, nodev) are copied with the mount.
mount --bind /usr usr
mount --bind /run/box/stacks opt/hpc
mount --bind /run/box/tools opt/tools

cp -R "$state/etc/." etc/
if [ "$BOX_AUTH" = munge ]; then
    mkdir -p var/log/munge var/lib/munge
    chmod 400 etc/munge/munge.key
    chown munge: etc/munge/munge.key
else
    chmod 600 etc/slurm/slurm.key
fi
[ "$node" != "$BOX_LOGIN" ] || cp -R "$state/etc-login/." etc/
grep -q "^[^:]*:[^:]*:$BOX_GID:" etc/group || echo "$BOX_USER:x:$BOX_GID:" >>etc/group
echo "$BOX_USER:x:$BOX_UID:$BOX_GID:$BOX_USER:/home/$BOX_USER:/bin/bash" >>etc/passwd
echo "$node" >etc/hostname
tr -d - </proc/sys/kernel/random/uuid >etc/machine-id

mount -t tmpfs -o mode=755,nosuid dev dev
mkdir dev/pts dev/shm dev/mqueue
for device in null zero full random urandom tty fuse; do
    [ -e "/dev/$device" ] || continue
    : >"dev/$device"
    mount --bind "/dev/$device" "dev/$device"
done
# Slurm takes a GPU for one only where it has a device.
for pair in $BOX_GPUS; do
    [ "${pair%=*}" = "$node" ] || continue
    for number in $(seq 0 "$((${pair#*=} - 1))"); do
        : >"dev/fake-gpu$number"
        mount --bind /dev/null "dev/fake-gpu$number"
    done
done
mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts dev/pts
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
ln -s fd/0 dev/stdin
ln -s fd/1 dev/stdout
ln -s fd/2 dev/stderr
mount -t tmpfs -o mode=1777,nosuid,nodev shm dev/shm
mount -t mqueue mqueue dev/mqueue

mount -t tmpfs -o mode=755,nosuid,nodev run run
mkdir -p run/slurm run/slurmctld run/slurmd run/node
if [ "$BOX_AUTH" = munge ]; then
    mkdir run/munge
    chown munge: run/munge
fi
mount -t proc proc proc
mount -t sysfs sysfs sys || mount --rbind /sys sys
# Slurm takes the folder of process 1's group for the root of all groups, and makes its own below
# that root; a group that has groups may hold no process (cgroup_v2 of Slurm, cgroups(7)).
if [ -n "$BOX_UNIFIED" ]; then
    mount -t cgroup2 -o nosuid,nodev,noexec cgroup2 sys/fs/cgroup
    # Slurm 22.05 does not make the second folder by itself, and does not see a controller that is
    # the last of the kernel's list, which memory is not where there is pids.
    mkdir sys/fs/cgroup/init.scope sys/fs/cgroup/system.slice
    echo 0 >sys/fs/cgroup/init.scope/cgroup.procs
    for group in . system.slice; do
        echo +memory >"sys/fs/cgroup/$group/cgroup.subtree_control"
        echo +pids >"sys/fs/cgroup/$group/cgroup.subtree_control" || :
    done
fi
# The node's own control groups of version 1, in the place of the machine's.
if [ -d /run/box/cgroup ]; then
    mount -t tmpfs -o mode=755,nosuid,nodev cgroup sys/fs/cgroup
    for groups in /run/box/cgroup/*; do
        mkdir "sys/fs/cgroup/${groups##*/}"
        mount --bind "$groups/$node" "sys/fs/cgroup/${groups##*/}"
    done
fi
# The kernel lets a user namespace inside the node mount /proc only where the node itself sees one
# that nothing is mounted over (mount_namespaces(7)); the file below is, so a whole one stays here.
mkdir run/node/proc
mount -t proc proc run/node/proc
# UCX takes two nodes with the same boot id for one host, and then cannot connect them.
cat /proc/sys/kernel/random/uuid >run/node/boot_id
mount --bind run/node/boot_id proc/sys/kernel/random/boot_id
# Apptainer looks here whether a program for another processor would run. A node that does not see
# the list has, for Apptainer, no handler.
case "$BOX_MACHINE_HANDLERS: $BOX_EMULATING " in
yes:*" $node "*) mount --bind /run/box/handlers proc/sys/fs/binfmt_misc ;;
*" $node "*) mount -t binfmt_misc binfmt_misc proc/sys/fs/binfmt_misc ;;
esac

rm -rf "$own"
mkdir -p "$own/tmp" "$own/var-tmp" "$own/slurmd"
chmod 1777 "$own/tmp" "$own/var-tmp"
mount --bind "$own/tmp" tmp
mount --bind "$own/var-tmp" var/tmp
mkdir -p var/spool/slurmd var/log/slurm "home/$BOX_USER"
mount --bind "$own/slurmd" var/spool/slurmd
mount --bind "$state/logs/$node" var/log/slurm
mount --bind "$state/home" "home/$BOX_USER"
mkdir -p ".$BOX_SHARE"
mount --rbind /run/box/share ".$BOX_SHARE"

# What is installed by hand on a node, as opposed to its packages.
mount -t tmpfs -o mode=755,nosuid,nodev local usr/local
mkdir usr/local/bin
if ! [ -e dev/fuse ]; then
    printf '#!/bin/sh\nexport APPTAINER_UNSQUASH=1\nexec /usr/bin/apptainer "$@"\n' >usr/local/bin/apptainer
    chmod 755 usr/local/bin/apptainer
fi
if [ "$node" = "$BOX_LOGIN" ]; then
    mkdir -p opt/hpcrun/app opt/hpcrun/python var/spool/slurmctld
    mount --bind "$state/app" opt/hpcrun/app
    mount --bind /run/box/python opt/hpcrun/python
    mount --bind "$state/slurmctld" var/spool/slurmctld
    if [ -n "$BOX_ACCOUNTING" ]; then
        mkdir -p var/lib/mysql
        mount --bind "$state/$BOX_ACCOUNTING" var/lib/mysql
        chown slurm: var/lib/mysql
        echo "$BOX_USER" >run/node/job-user
        cp "$state/inside/mariadb.cnf" "$state/inside/accounting.sh" run/node/
    fi
    cp "$state/inside/hpcrun.py" usr/local/bin/hpcrun
    chmod 755 usr/local/bin/hpcrun
    if [ -d /run/box/sshd ]; then
        mkdir opt/sshd
        mount --bind /run/box/sshd opt/sshd
        cp "$state/inside/relay.py" "$state/inside/sshd.sh" etc/ssh/
        chown -R "$BOX_UID:$BOX_GID" etc/ssh
    fi
fi
cp "$state/inside/node-main.sh" run/node/main.sh

pivot_root . mnt
umount -l /mnt
echo "$pid" >&3
exec 3>&-
exec /usr/bin/tini -- /bin/sh /run/node/main.sh "$node" "$BOX_LOGIN" "$BOX_NODES" </dev/null
