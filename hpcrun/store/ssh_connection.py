"""One ssh connection to a site, opened once and shared by all commands; runs no command itself."""

import fcntl
import hashlib
import os
import stat
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from hpcrun.errors import UnavailableError
from hpcrun.ports import CommandTimeoutError
from hpcrun.store import ssh_words
from hpcrun.store.process import Streams, run_process

PERSIST_S = 120
"""How long a connection without commands stays open for the next hpcrun."""
_CONNECT_S = 20
_OPEN_S = 60.0
_CHECK_S = 10.0
_LONGEST_SOCKET = 108 - 1 - 17
"""sun_path of unix(7), less what ssh appends while it makes the socket."""
_SETTINGS = (
    # Never a question that nobody sees, never a host key that nobody has looked at.
    "BatchMode=yes",
    "StrictHostKeyChecking=yes",
    "UpdateHostKeys=no",
    f"ConnectTimeout={_CONNECT_S}",
    "ServerAliveInterval=15",
    "ServerAliveCountMax=3",
    "LogLevel=ERROR",
    # Nothing of what a person's own sessions there may have: commands only.
    "ClearAllForwardings=yes",
    "ForwardAgent=no",
    "ForwardX11=no",
    "PermitLocalCommand=no",
    "RemoteCommand=none",
    "RequestTTY=no",
    "Tunnel=no",
)


class SshConnection:
    """The connection to one host; it outlives this process for two minutes."""

    def __init__(
        self, host: str, config: Path | None, environment: Mapping[str, str], *, folder: Path | None
    ) -> None:
        self.host = host
        self._environment = dict(environment)
        self._config_words = () if config is None else ("-F", str(config))
        self._base = (
            "ssh",
            *self._config_words,
            *(word for setting in _SETTINGS for word in ("-o", setting)),
        )
        self._socket = None if folder is None else _socket(folder, host, config)
        self._ready: tuple[str, ...] | None = None

    def words(self, line: str) -> tuple[str, ...]:
        """Return the local command that runs one line at the host; connects if need be."""
        if self._ready is None:
            self._ready = self._connect()
        return (*self._ready, "--", self.host, line)

    def explain(self, stderr: str) -> UnavailableError:
        """Say why ssh failed, with its own words and the fix."""
        opened = None
        if self._socket is not None:
            config = self._config_words
            opened = ("ssh", *config, "-fNM", "-S", str(self._socket), self.host)
        return ssh_words.explain(self.host, stderr, opened=opened)

    def _connect(self) -> tuple[str, ...]:
        # A connection that the person has opened, perhaps with a password, is the best there is.
        if self._ask((*self._base, "-O", "check", "--", self.host)):
            return (*self._base, "-o", "ControlMaster=no")
        if self._socket is None:
            return (*self._base, "-o", "ControlMaster=no", "-o", "ControlPath=none")
        shared = (*self._base, "-S", str(self._socket))
        with _locked(self._socket.with_suffix(".lock")):
            if not self._ask((*shared, "-O", "check", "--", self.host)):
                self._open(shared)
        return (*shared, "-o", "ControlMaster=no")

    def _open(self, shared: tuple[str, ...]) -> None:
        settings = ("-o", "ControlMaster=yes", "-o", f"ControlPersist={PERSIST_S}")
        # Into a file: what ssh starts for the connection keeps it open as long as that lasts.
        with tempfile.TemporaryFile() as said:
            try:
                argv = (*shared, *settings, "-fN", "--", self.host)
                code = self._call(argv, stderr=said, timeout_s=_OPEN_S)
            except CommandTimeoutError as exc:
                raise self.explain(exc.message) from exc
            said.seek(0)
            words = said.read().decode("utf-8", "replace")
        if code != 0:
            raise self.explain(words)

    def _ask(self, argv: tuple[str, ...]) -> bool:
        return self._call(argv, stderr=None, timeout_s=_CHECK_S) == 0

    def _call(self, argv: tuple[str, ...], *, stderr: BinaryIO | None, timeout_s: float) -> int:
        with Path(os.devnull).open("wb") as nowhere:
            streams = Streams(stdout=nowhere, stderr=stderr)
            return run_process(
                argv, streams, environment=self._environment, timeout_s=timeout_s
            ).exit_code


def control_folder(environment: Mapping[str, str]) -> Path | None:
    """Return a folder for sockets that nobody else can enter; None where none can be had."""
    own = f"hpcrun-{os.geteuid()}"
    runtime = environment.get("XDG_RUNTIME_DIR")
    candidates = [Path(runtime) / "hpcrun"] if runtime else []
    # Not TMPDIR, which may be long; whoever can take this name first only makes it useless.
    candidates.append(Path("/tmp") / own)  # noqa: S108
    return next((folder for folder in candidates if _is_private(folder)), None)


def _is_private(folder: Path) -> bool:
    if len(str(folder)) + 1 + 16 > _LONGEST_SOCKET:
        return False
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        status = folder.lstat()
    except OSError:
        return False
    is_own = stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid()
    return is_own and not status.st_mode & 0o077


def _socket(folder: Path, host: str, config: Path | None) -> Path:
    name = hashlib.sha256(f"{host}\0{config or ''}".encode()).hexdigest()[:16]
    return folder / name


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Let one process at a time open the connection; the file goes with the last of them."""
    descriptor = _lock(path)
    try:
        yield
    finally:
        # Before the lock is gone: who waits for it then sees that it is no longer the file's.
        path.unlink(missing_ok=True)
        os.close(descriptor)


def _lock(path: Path) -> int:
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        with suppress(FileNotFoundError):
            if os.path.samestat(path.stat(), os.fstat(descriptor)):
                return descriptor
        os.close(descriptor)
