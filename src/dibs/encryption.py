"""Encrypt the arguments of jobs: `Dibs(cipher=Keys(key))`.

The extra `encryption` brings the library. Fernet is its recipe for those who do not want to choose: AES in CBC mode
with a random start, and a keyed hash of all of it: a changed secret is refused before anything is decrypted.
"""

import hashlib
from typing import Final

from dibs.domain.errors import ConfigError, DecryptionError
from dibs.domain.sealing import Cipher

__all__ = ["Cipher", "DecryptionError", "Keys"]

_ID_CHARACTERS: Final = 8
"""Of the key's hash: enough to tell a handful of keys apart, too few to be of use to anybody."""


class Keys:
    """A cipher with keys that may be changed: the first one encrypts, all decrypt.

    To change keys, first give every worker the new one behind the old one, then put it first everywhere, and leave the
    old one out when no job is left that was encrypted by it.

    Args:
        keys: As `cryptography.fernet.Fernet.generate_key()` makes them: 32 random bytes in URL-safe base64.

    Raises:
        ConfigError: No key, a string that is none, or the library is not installed.
    """

    def __init__(self, *keys: str | bytes) -> None:
        try:
            from cryptography.fernet import Fernet, InvalidToken
        except ImportError as missing:
            raise ConfigError("to encrypt arguments, install dibs[encryption]") from missing
        if not keys:
            raise ConfigError("Keys: give at least one key, made by cryptography.fernet.Fernet.generate_key()")
        try:
            self._ciphers = {_id(key): Fernet(key) for key in keys}
        except (ValueError, TypeError):  # without the cause, whose traceback would hold the key
            raise ConfigError("Keys: a key is 32 bytes in URL-safe base64, got something else") from None
        self._first = next(iter(self._ciphers))
        self._invalid = InvalidToken

    def __repr__(self) -> str:
        return f"<Keys {', '.join(self.ids)}>"

    @property
    def ids(self) -> tuple[str, ...]:
        """The keys' ids, which are no secret: the one that encrypts first."""
        return tuple(self._ciphers)

    def encrypt(self, plain: bytes) -> str:
        """The first key's id and its secret."""
        return f"{self._first}.{self._ciphers[self._first].encrypt(plain).decode()}"

    def decrypt(self, secret: str) -> bytes:
        """What was encrypted by any of the keys.

        Raises:
            DecryptionError: By another key, or it was changed.
        """
        key_id, _, token = secret.partition(".")
        cipher = self._ciphers.get(key_id)
        if cipher is None:
            raise DecryptionError(
                f"encrypted by key {key_id[:_ID_CHARACTERS]!r}; known here are: {', '.join(self.ids)}"
            )
        try:
            return cipher.decrypt(token.encode())
        except self._invalid:
            raise DecryptionError(f"what key {key_id!r} encrypted was changed since, or cut") from None


def _id(key: str | bytes) -> str:
    raw = key.encode() if isinstance(key, str) else bytes(key)
    return hashlib.sha256(b"dibs key id\n" + raw).hexdigest()[:_ID_CHARACTERS]
