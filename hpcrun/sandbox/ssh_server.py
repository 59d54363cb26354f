"""`--ssh`: an OpenSSH server on the login node, its keys, and how ssh outside reaches it.

It listens on the loopback address inside only, and runs as the job's user, whom alone it lets in,
by one key. ssh outside gets there through `hpcrun sandbox exec`, so no port of this machine opens.
"""

import os
import shlex
import subprocess
from pathlib import Path

from hpcrun.errors import UnavailableError
from hpcrun.sandbox import owners, rootfs
from hpcrun.sandbox.identity import Identity, JobUser
from hpcrun.sandbox.places import Places
from hpcrun.sandbox.profile import own_command
from hpcrun.sandbox.progress import Progress
from hpcrun.sandbox.tools import PYTHON_INSIDE
from hpcrun.sandbox.versions import SandboxVersion

_PORT = 2222
_PACKAGE = "openssh-server"
# The server, its helpers, and libraries that nodes may lack; nothing else of the packages.
_FILES = ("usr/sbin/sshd", "usr/lib/openssh/*", "usr/lib/*/lib*.so*", "lib/*/lib*.so*")
_HOST_KEY, _USER_KEY = "ssh_host_ed25519_key", "id_ed25519"


def site_name(name: str) -> str:
    """Return the name of the site that is the sandbox of this name, reached by ssh."""
    return f"{name}-ssh"


def host_name(name: str) -> str:
    """Return the name by which ssh knows the login node."""
    return f"hpcrun-{name}"


def config_file(where: Places) -> Path:
    """Return the file that tells ssh how to reach the login node."""
    return where.folder / "ssh" / "config"


def access(where: Places) -> dict[str, dict[str, str]]:
    """Return `access` of the site's profile."""
    return {"ssh": {"host": host_name(where.name), "config": str(config_file(where))}}


def provide(where: Places, version: SandboxVersion, identity: Identity, shows: Progress) -> Path:
    """Find the server for a version in the cache, or fetch it."""
    recipe = (_command(version, Path("/target"), mirror=None),)

    def fetch(new: Path) -> None:
        shows.step(f"fetching the OpenSSH server of Debian {version.suite}")
        argv = _command(
            version, new, mirror=rootfs.read_mirror(), proxies=rootfs.read_apt_proxies()
        )
        rootfs.run_mmdebstrap(argv, new, identity.maps, shows, mirror=rootfs.read_mirror())

    return owners.keep(where.cache, f"sshd-{version.suite}", recipe, identity, fetch)


def _command(
    version: SandboxVersion, target: Path, *, mirror: str | None, proxies: tuple[str, ...] = ()
) -> tuple[str, ...]:
    # The versions of its libraries are those of the nodes, which are of the same suite.
    wanted = rootfs.Unpacked(version.suite, _PACKAGE, _FILES)
    options = (*proxies, *version.apt_options)
    return rootfs.unpack_command(wanted, target, mirror=mirror, apt_options=options)


def write_files(where: Places, user: JobUser) -> None:
    """Write keys, once, and the configurations for both ends."""
    outside, inside = config_file(where).parent, where.folder / "etc-login" / "ssh"
    for folder in (outside, inside):
        folder.mkdir(parents=True, exist_ok=True)
    outside.chmod(0o700)
    user_key = _make_key(outside / _USER_KEY)
    host_key = _make_key(inside / _HOST_KEY)
    files = {
        inside / "authorized_keys": f"restrict,pty {user_key}\n",
        inside / "sshd_config": format_server_config(user.name),
        outside / "known_hosts": f"{host_name(where.name)} {host_key}\n",
        config_file(where): format_client_config(where, user.name),
    }
    for file, text in files.items():
        file.touch(mode=0o600)
        file.write_text(text)
    for file in inside.iterdir():
        # Whoever is root inside must read them there, and the job's user does so himself.
        os.chown(file, user.uid_outside, user.gid_outside)


def _make_key(file: Path) -> str:
    """Make a key pair, unless it is there; the public half."""
    public = file.with_suffix(".pub")
    if not public.is_file():
        file.unlink(missing_ok=True)
        argv = ("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "hpcrun sandbox", "-f", file)
        try:
            subprocess.run(argv, check=True, capture_output=True, stdin=subprocess.DEVNULL)
        except (OSError, subprocess.CalledProcessError) as error:
            raise UnavailableError(
                "cannot make keys for ssh: `ssh-keygen` is missing or failed",
                help=["sudo apt-get install --no-install-recommends openssh-client"],
            ) from error
    return public.read_text().strip()


def format_server_config(user: str) -> str:
    """Write sshd_config(5): one user, one key, nothing but commands; understood since 8.4."""
    return f"""\
ListenAddress 127.0.0.1
Port {_PORT}
HostKey /etc/ssh/{_HOST_KEY}
PidFile none
AllowUsers {user}
AuthenticationMethods publickey
AuthorizedKeysFile /etc/ssh/authorized_keys
PasswordAuthentication no
UsePAM no
DisableForwarding yes
PrintMotd no
"""


def format_client_config(where: Places, user: str) -> str:
    """Write ssh_config(5) for the one host."""
    folder = config_file(where).parent
    relay = (PYTHON_INSIDE, "-I", "-S", "/etc/ssh/relay.py", str(_PORT))
    enter = (*own_command(), "sandbox", "exec", "--name", where.name, "--", *relay)
    proxy = shlex.join(("env", f"HPCRUN_SANDBOX_DIR={where.root}", *enter)).replace("%", "%%")
    return f"""\
# Written by `hpcrun sandbox up --ssh`. By hand: ssh -F {shlex.quote(str(folder / "config"))} \
{host_name(where.name)}
Host {host_name(where.name)}
    HostKeyAlias {host_name(where.name)}
    User {user}
    ProxyCommand {proxy}
    IdentityFile {_quoted(folder / _USER_KEY)}
    IdentitiesOnly yes
    IdentityAgent none
    UserKnownHostsFile {_quoted(folder / "known_hosts")}
    GlobalKnownHostsFile /dev/null
    StrictHostKeyChecking yes
    PreferredAuthentications publickey
"""


def _quoted(path: Path) -> str:
    """Quote a path for ssh_config, which takes `%` for a token."""
    return '"' + str(path).replace("%", "%%") + '"'
