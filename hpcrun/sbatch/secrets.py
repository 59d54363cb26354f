"""Variables whose values are shown to nobody and kept nowhere; told by their names."""

import re

_WORD = "TOKEN|SECRETS?|API_?KEYS?|(?:ACCESS|PRIVATE|AUTH|SECRET|SIGNING)_?KEYS?"
_NAME = re.compile(
    rf"(?i)(?:\w*_)?(?:(?:{_WORD})(?:_\w*)?|PWD|PAT)|\w*(?:PASSWORD|PASSWD|PASSPHRASE|SSHPASS)\w*"
)
_PLACE = re.compile(r"(?i)(?:\w*_)?(?:FILE|PATH|DIR|FOLDER)|(?:OLD|APPTAINER_|SINGULARITY_)?PWD")
"""Names of places, where secrets may be, but which are none."""
_SETTING = re.compile(r"(?<!\w)(\w+)=[^\s,]*")


def is_secret(name: str) -> bool:
    """Whether a variable of this name is likely to hold a secret."""
    return _NAME.fullmatch(name) is not None and _PLACE.fullmatch(name) is None


def without_secrets(text: str) -> str:
    """Return a text of settings without the values of secrets."""
    return _SETTING.sub(lambda m: f"{m[1]}=…" if is_secret(m[1]) else m[0], text)
