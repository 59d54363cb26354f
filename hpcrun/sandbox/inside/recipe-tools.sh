#!/bin/sh
# Make unpacked packages run on any node, whatever C library it has: mmdebstrap --extract-hook.
#   recipe-tools.sh ROOT PLACE PYTHON PACKAGE…
# PLACE is where nodes see ROOT. Programs get its ld.so, and its libraries by DT_RPATH: a DT_RUNPATH
# would not reach what the libraries themselves need. The PACKAGEs are those whose versions are told.
set -eu
root=$1
place=$2
python=$3
shift 3
cd "$root"

# dpkg has no record of what is only unpacked.
for package; do
    version=$(APT_CONFIG=$MMDEBSTRAP_APT_CONFIG apt-cache policy "$package" | sed -n 's/^ *Candidate: //p')
    printf 'Package: %s\nStatus: install ok installed\nVersion: %s\n\n' "$package" "$version"
done >var/lib/dpkg/status

[ -e lib64 ] || ln -s usr/lib64 lib64
[ -e lib ] || ln -s usr/lib lib
for libc in usr/lib/*/libc.so.6; do libraries=${libc%/*}; done
for loader in "$libraries"/ld-linux-*.so.*; do loader=$place/$loader; done

# Apptainer's starter takes the folder three above its own for the prefix, and Debian's has one more.
rm -rf usr/libexec
mkdir -p usr/libexec/apptainer
mv "$libraries/apptainer/bin" usr/libexec/apptainer/bin
ln -s ../../../libexec/apptainer/bin "$libraries/apptainer/bin"
own=usr/libexec/apptainer/bin
# Helpers are looked for beside the starter before they are on PATH.
for program in squashfuse_ll mksquashfs unsquashfs fuse2fs gocryptfs; do
    mv "usr/bin/$program" "$own/$program"
done
for program in usr/bin/apptainer "$own"/*; do
    chroot . /usr/bin/patchelf --set-interpreter "$loader" --force-rpath --set-rpath "$place/$libraries" "/$program"
done
# Apptainer that does not lie in /usr looks for these below its prefix.
mkdir -p usr/etc usr/var/lib
mv etc/apptainer usr/etc/
mv var/lib/apptainer usr/var/lib/

# patchelf 0.18 breaks programs that are not position-independent, as Debian's Python is.
cat >usr/bin/python3.new <<END
#!/bin/sh
exec $loader --library-path $place/$libraries --argv0 "\$0" $place/usr/bin/$python "\$@"
END
chmod 755 usr/bin/python3.new
mv -f usr/bin/python3.new usr/bin/python3

# What served to make this, and what no node runs.
# Options for apt stay otherwise, here proxies, with passwords perhaps.
rm -rf etc/apt/apt.conf.d/99mmdebstrap usr/sbin usr/bin/patchelf usr/share/doc usr/share/info usr/share/locale usr/share/man
