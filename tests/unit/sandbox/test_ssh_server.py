"""Both ends of `--ssh` are configured for one user, one key and one host."""

import shlex
from pathlib import Path

from hpcrun.sandbox.places import Places
from hpcrun.sandbox.ssh_server import format_client_config, format_server_config

WHERE = Places(Path("/data/50% of it"), "box")


def settings(text: str) -> dict[str, str]:
    lines = [line.strip() for line in text.splitlines() if not line.startswith("#")]
    return dict(line.split(" ", 1) for line in lines)


def test_server_listens_inside_only_and_lets_one_user_in_by_key() -> None:
    found = settings(format_server_config("anna"))
    assert (found["ListenAddress"], found["AllowUsers"]) == ("127.0.0.1", "anna")
    assert found["AuthenticationMethods"] == "publickey"
    assert (found["PasswordAuthentication"], found["DisableForwarding"]) == ("no", "yes")


def test_client_goes_through_the_wall_and_knows_the_key_in_advance() -> None:
    found = settings(format_client_config(WHERE, "anna"))
    assert (found["Host"], found["HostKeyAlias"], found["User"]) == (
        "hpcrun-box",
        "hpcrun-box",
        "anna",
    )
    assert found["StrictHostKeyChecking"] == "yes"
    assert found["UserKnownHostsFile"] == '"/data/50%% of it/box/ssh/known_hosts"'
    proxy = shlex.split(found["ProxyCommand"])
    assert proxy[:2] == ["env", "HPCRUN_SANDBOX_DIR=/data/50%% of it"]
    assert proxy[proxy.index("sandbox") :][:4] == ["sandbox", "exec", "--name", "box"]
