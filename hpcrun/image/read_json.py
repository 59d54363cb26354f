"""JSON that a stranger wrote, as Python values; caps its size, gives typed parts or nothing."""

import json
from typing import Any

from hpcrun.image.errors import ImageError

JSON_MAX = 4 << 20
"""As registries cap manifests (OCI distribution-spec 1.1: at least 4 MiB are taken)."""
STRINGS_MAX = 1000
STRING_MAX = 8 << 10


def parse_json(content: bytes, what: str) -> Any:
    """Parse a document; `what` names it in the error."""
    if len(content) > JSON_MAX:
        raise ImageError(f"{what} is larger than {JSON_MAX >> 20} MiB")
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as exc:
        # Too many digits in a number are a ValueError, too many brackets a RecursionError.
        raise ImageError(f"{what} is not JSON") from exc


def parse_object(content: bytes, what: str) -> dict[str, Any]:
    """Parse a document that must be an object."""
    found = parse_json(content, what)
    if not isinstance(found, dict):
        raise ImageError(f"{what} is not a JSON object")
    return found


def object_in(value: Any, key: str) -> dict[str, Any]:
    """Return an object's member that is an object; an empty one where it is not."""
    found = value.get(key) if isinstance(value, dict) else None
    return found if isinstance(found, dict) else {}


def list_in(value: Any, key: str) -> list[Any]:
    """Return an object's member that is a list; an empty one where it is not."""
    found = value.get(key) if isinstance(value, dict) else None
    return found if isinstance(found, list) else []


def text_in(value: Any, key: str) -> str:
    """Return an object's member that is a string, cut to a bound; an empty one where it is not."""
    found = value.get(key) if isinstance(value, dict) else None
    return sound_text(found) if isinstance(found, str) else ""


def texts_in(value: Any, key: str) -> tuple[str, ...]:
    """Return the strings of a list."""
    found = [each for each in list_in(value, key) if isinstance(each, str)]
    return tuple(sound_text(each) for each in found[:STRINGS_MAX])


def pairs_in(value: Any, key: str) -> dict[str, str]:
    """Return an object's member that maps strings to strings (or numbers, written out)."""
    pairs = list(object_in(value, key).items())[:STRINGS_MAX]
    return {
        sound_text(name): sound_text(str(said))
        for name, said in pairs
        if isinstance(said, str | bool) or _is_short_number(said)
    }


def sound_text(text: str) -> str:
    """Cut a text to a bound; lone halves of surrogate pairs, which JSON allows, become `?`."""
    return text[:STRING_MAX].encode("utf-8", "replace").decode("utf-8")


def _is_short_number(value: Any) -> bool:
    return isinstance(value, float) or (isinstance(value, int) and abs(value) < 1 << 64)
