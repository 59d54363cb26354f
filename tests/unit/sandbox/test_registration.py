"""Who may change the machine's list of handlers, and by what name."""

import os
from pathlib import Path

import pytest

from hpcrun.errors import NotPermittedError, UsageError
from hpcrun.sandbox.registration import check, entry_name


def test_register_emulation_is_refused_for_ordinary_users(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(NotPermittedError, match="only root may register") as refused:
        check(is_needed=True)
    assert "sudo hpcrun sandbox up --register-emulation" in refused.value.help[1]


def test_register_emulation_without_emulating_nodes_is_refused() -> None:
    with pytest.raises(UsageError, match="--emulation none"):
        check(is_needed=False)


def test_entry_is_named_after_the_folder_and_nothing_else() -> None:
    first, second = (entry_name(Path("/srv/boxes", name)) for name in ("a", "b"))
    assert first == entry_name(Path("/srv/boxes/a"))
    assert len({first, second, entry_name(Path("/srv/other/a"))}) == 3
    assert first.startswith("hpcrun-")
