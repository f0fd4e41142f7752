"""A task's arguments, to JSON and back, guided by its signature.

What is checked at enqueue is exactly what the worker will read: arguments are encoded and then decoded again with the
decoder that the worker uses.
"""

import inspect
import os
from collections.abc import Callable, Mapping
from pathlib import PurePath
from typing import Any, get_type_hints

import msgspec

from dibs.domain.errors import ArgumentsError, ConfigError, PayloadTooLargeError
from dibs.domain.limits import ARGUMENT_BYTES_MAX

_BY_NAME = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


class Signature:
    """How to write a function's arguments as JSON, and how to read them back.

    Types are what `msgspec` reads and writes (numbers, strings, datetime, UUID, Decimal, enums, dataclasses, TypedDict,
    containers), besides pydantic models and paths. A parameter without a type takes any JSON value.

    Raises:
        ConfigError: The function has `*args`, `**kwargs` or positional-only parameters, which have no name to be kept
            by, or a type hint that can not be resolved.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self._signature = inspect.signature(function)
        self._name = getattr(function, "__qualname__", repr(function))
        parameters = self._signature.parameters.values()
        for parameter in parameters:
            if parameter.kind not in _BY_NAME:
                raise ConfigError(
                    f"task {self._name}: every parameter needs a name of its own, got {parameter}; "
                    "take a list or a dict instead"
                )
        try:
            hints = get_type_hints(function, include_extras=True)
        except NameError as error:
            raise ConfigError(
                f"task {self._name}: its type hints can not be resolved ({error}); "
                "import the type where the worker can see it, outside `if TYPE_CHECKING`"
            ) from error
        self._fields = tuple(p.name for p in parameters)
        self._positional = tuple(p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD)
        self._keyword_only = tuple(p.name for p in parameters if p.kind is p.KEYWORD_ONLY)
        self._struct = msgspec.defstruct(
            "Arguments",
            [_field(p, hints.get(p.name, Any)) for p in parameters],
            forbid_unknown_fields=True,
            kw_only=True,
        )
        try:
            self._decoder = msgspec.json.Decoder(self._struct, dec_hook=_from_json)
        except TypeError as error:
            raise ConfigError(f"task {self._name}: its arguments can not be read from JSON: {error}") from error

    def encode(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> str:
        """Give *args* and *kwargs* by name, as JSON.

        Raises:
            ArgumentsError: They do not fit the signature, or a value has no JSON form.
            PayloadTooLargeError: More than `ARGUMENT_BYTES_MAX` bytes.
        """
        try:
            encoded = _ENCODER.encode(self._by_name(args, kwargs) if args else kwargs)
        except (TypeError, ValueError, OverflowError, RecursionError) as error:
            raise self._misfit(error) from error
        if len(encoded) > ARGUMENT_BYTES_MAX:
            raise PayloadTooLargeError(
                f"{self._name}: the arguments take {len(encoded):,} bytes as JSON, at most {ARGUMENT_BYTES_MAX:,} are "
                "allowed; store the data in a file or a table and pass its name"
            )
        self.check(encoded)
        return encoded.decode()

    def _by_name(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Mapping[str, Any]:
        by_name = dict(zip(self._positional, args, strict=False))
        by_name.update(kwargs)
        if len(by_name) < len(args) + len(kwargs):
            self._signature.bind(*args, **kwargs)  # too many, or one given twice: this says which
        return by_name

    def check(self, encoded: bytes | str) -> None:
        """Raise ArgumentsError if *encoded* would not be read back by a worker."""
        self._read(encoded)

    def decode(self, encoded: str) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Positional and keyword arguments for a call.

        Raises:
            ArgumentsError: *encoded* does not fit the signature.
        """
        values = self._read(encoded)
        if not self._keyword_only:
            return msgspec.structs.astuple(values), {}
        named = {name: getattr(values, name) for name in self._fields}
        keywords = {name: named.pop(name) for name in self._keyword_only}
        return tuple(named.values()), keywords

    def _read(self, encoded: bytes | str) -> msgspec.Struct:
        try:
            return self._decoder.decode(encoded)
        except (msgspec.DecodeError, ValueError, TypeError, RecursionError) as error:
            raise self._misfit(error) from error

    def _misfit(self, error: Exception) -> ArgumentsError:
        return ArgumentsError(f"{self._name}{self._signature}: the arguments do not fit: {error}")


def _field(parameter: inspect.Parameter, hint: Any) -> tuple[Any, ...]:
    if parameter.default is parameter.empty:
        return parameter.name, hint
    default = parameter.default
    return parameter.name, hint, msgspec.field(default_factory=lambda: default)


def _to_json(value: Any) -> Any:
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if hasattr(value, "model_dump"):  # a pydantic model, without importing pydantic
        return value.model_dump(mode="json")
    raise TypeError(f"{type(value).__qualname__} has no JSON form")


def _from_json(wanted: type, value: Any) -> Any:
    if issubclass(wanted, PurePath):
        return wanted(value)
    if hasattr(wanted, "model_validate"):
        return wanted.model_validate(value)
    raise TypeError(f"{wanted.__qualname__} can not be read from JSON")


_ENCODER = msgspec.json.Encoder(enc_hook=_to_json)
