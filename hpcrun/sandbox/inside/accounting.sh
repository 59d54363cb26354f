#!/bin/sh
# Accounting on the login node: the database and slurmdbd; ends both when told to (TERM).
# Says that sacct can answer by the file accounting-is-ready beside its logs.
set -eu
PATH=/usr/sbin:/usr/bin:/sbin:/bin
export PATH
cluster=$(sed -n 's/^ClusterName=//p' /etc/slurm/slurm.conf)
read -r user </run/node/job-user
log=/var/log/slurm
data=/var/lib/mysql
services=""

stop() {
    trap '' TERM
    # slurmdbd first, as it has the database write down what it knows.
    for service in $services; do
        kill -TERM "$service" 2>/dev/null || :
        wait "$service" || :
    done
    exit 0
}
trap stop TERM

# The user that Debian's packages have made for Slurm; root's own rights are not needed here.
as_slurm() { setpriv --reuid slurm --regid slurm --clear-groups -- "$@"; }

chmod 600 /etc/slurm/slurmdbd.conf
install -d -o slurm -g slurm -m 700 /run/mysqld

# The database's own tables, and in them one user: root, whom the socket makes sure of.
system_tables() {
    share=/usr/share/mariadb
    [ -d $share ] || share=/usr/share/mysql
    printf "create database mysql;\nuse mysql;\nset @auth_root_socket='root';\n"
    cat $share/*_system_tables.sql $share/*_performance_tables.sql $share/*_system_tables_data.sql
    # slurmdbd 26.05 fails with libmariadb 11.8.9 where it must make its database itself.
    printf 'create database slurm_acct_db;\n'
}
if [ ! -d $data/db ]; then
    # Whole or not at all, as the box may be killed meanwhile.
    rm -rf $data/new
    as_slurm mkdir $data/new
    system_tables | as_slurm mariadbd --no-defaults --datadir=$data/new --tmpdir=/run/mysqld --bootstrap \
        --innodb-use-native-aio=OFF --innodb-log-file-size=16M >$log/mariadb.log 2>&1
    mv $data/new $data/db
fi
as_slurm mariadbd --defaults-file=/run/node/mariadb.cnf >>$log/mariadb.log 2>&1 &
services=$!
until [ -S /run/mysqld/mysqld.sock ]; do
    kill -0 "$services"
    sleep 0.05
done

# Where the socket is, by default, varies with the version.
MYSQL_UNIX_PORT=/run/mysqld/mysqld.sock slurmdbd -D >$log/slurmdbd.log 2>&1 &
services="$! $services"
until sacctmgr --noheader --parsable2 show cluster format=cluster >/run/node/clusters 2>/dev/null; do
    kill -0 "${services%% *}"
    sleep 0.1
done
grep -qx "$cluster" /run/node/clusters || sacctmgr --immediate add cluster "$cluster"
known=$(sacctmgr --noheader --parsable2 show association "cluster=$cluster" "user=$user" format=user)
if [ -z "$known" ]; then
    sacctmgr --immediate add account sandbox "cluster=$cluster" Description=sandbox Organization=sandbox || :
    sacctmgr --immediate add user "$user" account=sandbox "cluster=$cluster"
fi
: >$log/accounting-is-ready

# shellcheck disable=SC2086 # words are wanted
wait $services || :
