"""The name of an operation with an Idempotency-Key in the database (storage/README.md, "The identity of an event")."""

import hashlib
import uuid


def name_of_key(token: int, key: str) -> str:
    """Returns: the name of a write with this token and key, as storage/operation_name.cpp computes it."""
    digest = hashlib.sha256(b"codasync\0key\0%d\0%s\0" % (token, key.encode())).digest()
    return str(uuid.UUID(bytes=digest[:6] + bytes([digest[6] & 0x0F | 0x80, digest[7], digest[8] & 0x3F | 0x80]) + digest[9:16]))
