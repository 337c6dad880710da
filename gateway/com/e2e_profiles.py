"""AUTOSAR's end-to-end profiles 1, 2, 4, 5, 6 and 7: where header, counter and CRC lie, and what the CRC is over.

Source: AUTOSAR PRS_E2EProtocol R22-11, 6.3 to 6.9. The CRCs are those of the package autosar-e2e. It trusts its caller
with lengths and leaves the length and the identifier in the header unchecked; that is done here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from types import ModuleType
from typing import Any, Final

from gateway.com.errors import ComError


class Profile(Enum):
    """A profile by its name."""

    P01 = "P01"
    P02 = "P02"
    P04 = "P04"
    P05 = "P05"
    P06 = "P06"
    P07 = "P07"


class DataIdMode(Enum):
    """Profile 1: which part of the data identifier is in the CRC (PRS_E2EProtocol, 6.3.1)."""

    BOTH = "both"
    ALTERNATING = "alternating"
    LOW = "low"
    NIBBLE = "nibble"


@dataclass(frozen=True, slots=True)
class _Layout:
    """`header`: bytes; `counter`: its place and size in bytes, of which `modulo` values are used; `length`, `data_id`:
    place and size in the header, where they are sent; `crc`: its place and size."""

    header: int
    counter: tuple[int, int]
    modulo: int
    crc: tuple[int, int]
    data_id_bits: int
    length: tuple[int, int] | None = None
    data_id: tuple[int, int] | None = None


_LAYOUTS: Final = {
    Profile.P01: _Layout(2, (1, 1), 15, (0, 1), 16),
    Profile.P02: _Layout(2, (1, 1), 16, (0, 1), 8),
    Profile.P04: _Layout(12, (2, 2), 1 << 16, (8, 4), 32, (0, 2), (4, 4)),
    Profile.P05: _Layout(3, (2, 1), 1 << 8, (0, 2), 16),
    Profile.P06: _Layout(5, (4, 1), 1 << 8, (0, 2), 16, (2, 2)),
    Profile.P07: _Layout(20, (12, 4), 1 << 32, (0, 8), 32, (8, 4), (16, 4)),
}
_MODES: Final = {
    DataIdMode.BOTH: "E2E_P01_DATAID_BOTH",
    DataIdMode.ALTERNATING: "E2E_P01_DATAID_ALT",
    DataIdMode.LOW: "E2E_P01_DATAID_LOW",
    DataIdMode.NIBBLE: "E2E_P01_DATAID_NIBBLE",
}
P02_IDS: Final = 16
"""Profile 2 has a list of so many identifiers, one for each value of the counter."""


@dataclass(frozen=True, slots=True)
class E2EConfig:
    """One protected message. `data_id`: a number, for profile 2 a list of 16 bytes; `offset`: bytes before the header;
    `max_delta`: so far the counter may jump (counting lost messages) without being a wrong sequence.

    ComError for what the profile does not have.
    """

    profile: Profile
    data_id: int | bytes
    offset: int = 0
    data_id_mode: DataIdMode = DataIdMode.BOTH
    max_delta: int = 1
    modulo: int = field(init=False)
    """The counter counts from 0 up to this, and begins again."""
    shortest: int = field(init=False)
    """Bytes of the shortest payload that can be protected."""

    def __post_init__(self) -> None:
        layout = _LAYOUTS[self.profile]
        object.__setattr__(self, "modulo", layout.modulo)
        object.__setattr__(self, "shortest", self.offset + layout.header)
        if not 1 <= self.max_delta < layout.modulo:
            raise ComError(f"E2E {self.profile.value}: max_delta is 1 to {layout.modulo - 1}, not {self.max_delta}")
        if self.offset < 0 or (self.offset and self.profile is Profile.P02):
            raise ComError(f"E2E {self.profile.value}: its header cannot begin at byte {self.offset}")
        if self.profile is Profile.P02:
            if not isinstance(self.data_id, bytes) or len(self.data_id) != P02_IDS:
                raise ComError(f"E2E P02 has a list of {P02_IDS} data identifiers of one byte each")
        elif not isinstance(self.data_id, int) or not 0 <= self.data_id < 1 << layout.data_id_bits:
            raise ComError(f"E2E {self.profile.value}: the data identifier is a number of {layout.data_id_bits} bits")
        if self.data_id_mode is not DataIdMode.BOTH and self.profile is not Profile.P01:
            raise ComError(f"E2E {self.profile.value} has no data_id_mode; only P01 has")
        if self.data_id_mode is DataIdMode.NIBBLE and isinstance(self.data_id, int) and self.data_id >= 1 << 12:
            raise ComError("E2E P01 with the nibble of the data identifier has one of 12 bits")


def header_fields(config: E2EConfig) -> list[int]:
    """The bits that each field of the header overwrites, as masks over the payload read as a little-endian integer."""
    layout, begin = _LAYOUTS[config.profile], 8 * config.offset
    if config.profile in (Profile.P01, Profile.P02):  # the counter is a nibble, and the other one is left as it is
        nibble = [0xF000 << begin] if config.data_id_mode is DataIdMode.NIBBLE else []
        return [0xFF << begin, 0x0F00 << begin, *nibble]
    fields = (layout.crc, layout.counter, layout.length, layout.data_id)
    return [(1 << 8 * field[1]) - 1 << begin + 8 * field[0] for field in fields if field is not None]


class E2EProfile:
    """The bytes of one protected message: puts header and CRC in, and looks at those of others."""

    def __init__(self, config: E2EConfig) -> None:
        self.config: Final = config
        self._layout: Final = _LAYOUTS[config.profile]
        self._protect, self._verify = _functions(config)
        self._nibble: Final = config.profile in (Profile.P01, Profile.P02)

    def protect(self, data: bytes, counter: int) -> bytes:
        """The payload with its header. ComError for one that is too short."""
        config, layout = self.config, self._layout
        if len(data) < config.shortest:
            raise ComError(
                f"E2E {config.profile.value} needs a payload of {config.shortest} bytes at least, not {len(data)}"
            )
        sealed = bytearray(data)
        self._put(sealed, layout.counter, counter)
        self._protect(sealed)
        return bytes(sealed)

    def verify(self, data: bytes) -> bool:
        """Length, identifier and CRC are right. Never raises: what is too short is wrong."""
        config, layout = self.config, self._layout
        if len(data) < config.shortest:
            return False
        if layout.length is not None and self._get(data, layout.length) != len(data):
            return False
        if layout.data_id is not None and self._get(data, layout.data_id) != config.data_id:
            return False
        if config.profile is Profile.P01 and not self._first_profile_fits(data):
            return False
        return self._verify(data)

    def counter(self, data: bytes) -> int:
        """The counter of a payload that has been verified."""
        counter = self._get(data, self._layout.counter)
        return counter & 0xF if self._nibble else counter

    def spoiled(self, data: bytes) -> bytes:
        """With a wrong CRC, for tests of receivers."""
        place = self.config.offset + self._layout.crc[0]
        return data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]

    def _first_profile_fits(self, data: bytes) -> bool:
        """The counter is never 15, and the nibble of the data identifier is the one that was agreed on."""
        config = self.config
        byte = data[config.offset + 1]
        if byte & 0xF >= config.modulo:
            return False
        assert isinstance(config.data_id, int)
        return config.data_id_mode is not DataIdMode.NIBBLE or byte >> 4 == config.data_id >> 8

    def _get(self, data: bytes, place: tuple[int, int]) -> int:
        at = self.config.offset + place[0]
        return int.from_bytes(data[at : at + place[1]], "big")

    def _put(self, data: bytearray, place: tuple[int, int], counter: int) -> None:
        at = self.config.offset + place[0]
        if self._nibble:
            high = data[at] & 0xF0
            if self.config.data_id_mode is DataIdMode.NIBBLE:
                assert isinstance(self.config.data_id, int)
                high = self.config.data_id >> 8 << 4
            data[at] = high | counter
            return
        data[at : at + place[1]] = counter.to_bytes(place[1], "big")


def _functions(config: E2EConfig) -> tuple[Callable[[bytearray], object], Callable[[bytes], bool]]:
    """Putting the CRC in, and verifying it."""
    name = config.profile.value.lower()
    module = _module(name)
    settings: dict[str, Any] = {}
    if config.profile is not Profile.P02:
        settings["offset"] = config.offset
    if config.profile is Profile.P06:
        settings["length"] = 0  # of the package: all there is
    if config.profile is Profile.P01:
        settings["data_id_mode"] = getattr(module, _MODES[config.data_id_mode])
    protect, check, data_id = (
        getattr(module, f"e2e_{name}_protect"),
        getattr(module, f"e2e_{name}_check"),
        config.data_id,
    )

    def put(data: bytearray) -> None:
        protect(data, data_id, increment_counter=False, **settings)

    def verify(data: bytes) -> bool:
        return bool(check(bytearray(data), data_id, **settings))  # profile 1 takes nothing but a bytearray

    return put, verify


def _module(name: str) -> ModuleType:
    """ComError, with the extra, where the package is missing."""
    import importlib

    try:
        return importlib.import_module(f"e2e.{name}")
    except ImportError as error:
        raise ComError(
            f"end-to-end protection needs {error.name or error}: pip install 'vehicle-gateway[e2e]'"
        ) from None
