"""What a signature in a SIF says of itself: by whom, over which objects; verifies nothing.

Apptainer signs a message that lists the digests of some objects of a group; the descriptor names
the group alone, even where not all of it is signed (apptainer/sif, pkg/integrity/metadata.go).
"""

import binascii

from hpcrun.image.errors import ImageError
from hpcrun.image.extent import Extent
from hpcrun.image.read_json import parse_object
from hpcrun.image.sif import DataType, Descriptor, Sif
from hpcrun.model.base import UNKNOWN, Unknown
from hpcrun.model.container import Signature

_HASHES = {1: "sha256", 2: "sha384", 3: "sha512", 4: "blake2s-256", 5: "blake2b-256"}
"""apptainer/sif e306d8b, pkg/sif/descriptor_input.go."""
_FINGERPRINT = slice(4, 24)
_MESSAGE_MAX = 256 << 10
_OBJECTS_MAX = 200
_PGP, _PGP_END = b"-----BEGIN PGP SIGNED MESSAGE-----", b"-----BEGIN PGP SIGNATURE-----"


def read_signature(file: Extent, sif: Sif, descriptor: Descriptor) -> Signature:
    """Describe one signature."""
    content = file.read_at(descriptor.offset, min(descriptor.size, _MESSAGE_MAX)).lstrip()
    is_dsse = content[:1] == b"{"
    entity = descriptor.extra[_FINGERPRINT]
    hash_type = int.from_bytes(descriptor.extra[:4], "little")
    return Signature(
        object_id=descriptor.id,
        covers=descriptor.linked,
        objects=_objects(content, sif, descriptor),
        format="dsse" if is_dsse else "pgp" if content[:10] == _PGP[:10] else UNKNOWN,
        hash_type=_HASHES.get(hash_type, UNKNOWN),
        fingerprint=entity.hex() if any(entity) else UNKNOWN,
    )


def _objects(content: bytes, sif: Sif, descriptor: Descriptor) -> tuple[int, ...] | Unknown:
    """Return the numbers of the objects whose digests the message holds."""
    own = [
        each.id
        for each in sif.descriptors
        if each.kind != DataType.SIGNATURE and f"group {each.group}" == descriptor.linked
    ]
    try:
        listed = parse_object(_message(content), "the signed message").get("objects")
    except (ImageError, binascii.Error, ValueError):
        return UNKNOWN
    if not own or not isinstance(listed, list) or len(listed) > _OBJECTS_MAX:
        return UNKNOWN
    numbers = [each.get("relativeId") if isinstance(each, dict) else None for each in listed]
    # They count from the first object of the group.
    found = [min(own) + number for number in numbers if isinstance(number, int)]
    is_whole = len(found) == len(numbers) and set(found) <= set(own)
    return tuple(sorted(set(found))) if is_whole else UNKNOWN


def _message(content: bytes) -> bytes:
    """Return the text that is signed."""
    if content.startswith(_PGP):
        _head, _, rest = content.partition(b"\n\n")
        return rest.partition(b"\n" + _PGP_END)[0]
    payload = parse_object(content.rstrip(b"\0"), "the envelope").get("payload")
    return binascii.a2b_base64(payload if isinstance(payload, str) else "")
