"""A submission under way is told from a dead one."""

from hpcrun.store import submitter


def test_own_process_lives() -> None:
    assert submitter.may_be_alive(submitter.read_own())


def test_reused_pid_is_not_mistaken() -> None:
    own = submitter.read_own()
    assert not submitter.may_be_alive(own.model_copy(update={"started": "1"}))


def test_process_that_is_gone_does_not_live() -> None:
    own = submitter.read_own()
    assert not submitter.may_be_alive(own.model_copy(update={"pid": 2**22 + 1}))


def test_process_on_another_host_may_live() -> None:
    own = submitter.read_own()
    assert submitter.may_be_alive(own.model_copy(update={"host": "elsewhere", "pid": 1}))


def test_new_tokens_differ_and_are_plain() -> None:
    tokens = {submitter.new_token() for _ in range(100)}
    assert len(tokens) == 100
    assert all(token.isalnum() and token == token.lower() for token in tokens)
