"""Arguments that are stored encrypted: in what form, and who opens them."""

from typing import Any, Final, Protocol

import msgspec

from dibs.domain.errors import DecryptionError

SEAL: Final = "$encrypted"
"""The one key of sealed arguments. No parameter can have that name."""

_PREFIX: Final = f'{{"{SEAL}":'


class Cipher(Protocol):
    """Encrypts what is stored and decrypts it again."""

    def encrypt(self, plain: bytes) -> str:
        """*plain* as text that says nothing without the key."""
        ...

    def decrypt(self, secret: str) -> bytes:
        """What was encrypted.

        Raises:
            DecryptionError: By another key, or it was changed; the message names the keys by their ids.
        """
        ...


def seal(cipher: Cipher, task: str, args_json: str) -> str:
    """*args_json* as JSON that says nothing. It is bound to *task*: for another task's job it can not be opened."""
    secret = cipher.encrypt(f"{task}\n{args_json}".encode())
    return msgspec.json.encode({SEAL: secret}).decode()


def open_sealed(cipher: Cipher | None, task: str, stored: str) -> str:
    """The arguments as JSON, whether *stored* is sealed or not.

    Raises:
        DecryptionError: They are sealed, and not by a key of ours, or for another task.
    """
    if not stored.startswith(_PREFIX):
        return stored
    if cipher is None:
        raise DecryptionError("the arguments are encrypted, and this worker's app has no cipher: Dibs(cipher=...)")
    try:
        secret = msgspec.json.decode(stored, type=dict[str, str])[SEAL]
    except (msgspec.DecodeError, KeyError) as error:
        raise DecryptionError(
            "the encrypted arguments were changed: they are not in the form they were given"
        ) from error
    name, _, args_json = cipher.decrypt(secret).decode().partition("\n")
    if name != task:
        raise DecryptionError(f"the arguments were encrypted for task {name!r}, and stand in a job of {task!r}")
    return args_json


def is_sealed(args: Any) -> bool:
    """True when these decoded arguments are encrypted."""
    return isinstance(args, dict) and set(args) == {SEAL}
