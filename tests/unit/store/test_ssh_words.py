"""What ssh says becomes a message with the fix."""

import pytest

from hpcrun.store.ssh_words import explain

CHANGED = """\
@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@
@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @
@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@
Host key verification failed.
"""


@pytest.mark.parametrize(
    ("stderr", "message", "help_part"),
    [
        (CHANGED, "its host key is not the one that is known", "ssh-keygen -R far"),
        (
            "No ED25519 host key is known for far and you have requested strict checking.\r\n"
            "Host key verification failed.\r\n",
            "Host key verification failed.",
            "compare the key with what the site tells: ssh far",
        ),
        (
            "anna@far: Permission denied (publickey,password).\r\n",
            "anna@far: Permission denied (publickey,password).",
            "ssh-add), or open a connection first: ssh -fNM -S /run/s far",
        ),
        (
            "ssh: connect to host far port 22: Connection timed out\r\n",
            "ssh: connect to host far port 22: Connection timed out",
            "ssh far true",
        ),
        ("", "it said nothing", "ssh far true"),
    ],
)
def test_words_of_ssh_get_their_fix(stderr: str, message: str, help_part: str) -> None:
    error = explain("far", stderr, opened=("ssh", "-fNM", "-S", "/run/s", "far"))
    assert error.message == f"cannot reach the site by ssh: far: {message}"
    assert any(help_part in line for line in error.help)
