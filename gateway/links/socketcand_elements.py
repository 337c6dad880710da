"""socketcand's elements: `< word ... >` out of a stream, and frames as words."""

from __future__ import annotations

from typing import Final

from gateway.can.frame import BRS, ERROR, ESI, EXTENDED, FD, ID_MASK, REMOTE, Frame, padded_length
from gateway.links.errors import RecordError
from gateway.sim import NS_PER_S

LONGEST: Final = 1024
"""Characters of an element; the longest that is needed has some 230."""
_FLAG_BRS: Final = 0x01
_FLAG_ESI: Final = 0x02
_STANDARD_MASK: Final = 0x7FF


class Elements:
    """Elements of a stream that comes in pieces. What stands outside of `<` and `>` is skipped, as socketcand does."""

    def __init__(self) -> None:
        self._data = bytearray()

    def feed(self, data: bytes) -> None:
        self._data += data

    @property
    def partial(self) -> bool:
        """Whether an element has begun and not ended."""
        return b"<" in self._data

    def next(self) -> list[str] | None:
        """The words of the next element; None until it is there whole. Raises `RecordError`."""
        data = self._data
        while True:
            begin = data.find(b"<")
            if begin < 0:
                data.clear()
                return None
            end = data.find(b">", begin)
            if (end if end >= 0 else len(data)) - begin > LONGEST:
                raise RecordError(f"an element of more than {LONGEST} characters: this is not socketcand's protocol")
            if end < 0:
                del data[:begin]
                return None
            inside = bytes(data[begin + 1 : end])
            del data[: end + 1]
            words = inside.decode("ascii", "replace").split()
            if words:
                return words


def number(word: str, base: int, below: int) -> int:
    """A number of plain digits, less than `below`. Raises `RecordError`."""
    try:
        value = int(word, base) if word.isalnum() and word.isascii() else -1
    except ValueError:
        value = -1
    if not 0 <= value < below:
        raise RecordError(f"{word[:20]} is not a number that may stand here")
    return value


def identifier(word: str) -> int:
    """A header; eight digits mean 29 bits, as socketcand has it. Raises `RecordError`."""
    if len(word) == 8:
        return EXTENDED | number(word, 16, ID_MASK + 1)
    return number(word, 16, _STANDARD_MASK + 1)


def frame_of(words: list[str]) -> Frame:
    """`can_id can_dlc [data]*`. Raises `RecordError`."""
    return Frame(*_identified(words, 8))


def _identified(words: list[str], longest: int) -> tuple[int, bytes]:
    if len(words) < 2:
        raise RecordError("a frame needs an identifier and a length")
    length = number(words[1], 10, longest + 1)
    return identifier(words[0]), _bytes(words[2:], length)


def _bytes(words: list[str], length: int) -> bytes:
    if len(words) != length:
        raise RecordError(f"a frame says that it has {length} bytes, and has {len(words)}")
    return bytes(number(word, 16, 256) for word in words)


def remote_frame(words: list[str]) -> Frame:
    """`can_id can_dlc`. Raises `RecordError`."""
    if len(words) != 2:
        raise RecordError("sendrtr needs an identifier and a length")
    number(words[1], 10, 9)
    return Frame(identifier(words[0]) | REMOTE, b"")


def fd_frame(words: list[str]) -> Frame:
    """`can_id flags length [data]*`; filled up to a length that CAN FD has. Raises `RecordError`."""
    if len(words) < 3:
        raise RecordError("fdsend needs an identifier, flags and a length")
    flags = number(words[1], 16, 256)
    header, data = _identified([words[0], *words[2:]], 64)
    header |= FD | (BRS if flags & _FLAG_BRS else 0) | (ESI if flags & _FLAG_ESI else 0)
    return Frame(header, data.ljust(padded_length(len(data)), b"\0"))


def _interval_ns(words: list[str]) -> int:
    if len(words) < 3:
        raise RecordError("seconds, microseconds and an identifier are needed")
    return number(words[0], 10, 1 << 31) * NS_PER_S + number(words[1], 10, 1 << 31) * 1000


def job(words: list[str]) -> tuple[int, Frame]:
    """`secs usecs can_id can_dlc [data]*`: the interval in nanoseconds, and the frame. Raises `RecordError`."""
    return _interval_ns(words), frame_of(words[2:])


def subscription(words: list[str]) -> tuple[int, Frame]:
    """`ival_s ival_us can_id`. Raises `RecordError`."""
    if len(words) != 3:
        raise RecordError("subscribe needs seconds, microseconds and an identifier")
    return _interval_ns(words), Frame(identifier(words[2]), b"")


class Timestamps:
    """Frames as elements, with the time since 1970."""

    def __init__(self, epoch_ns: int) -> None:
        self._epoch_ns = epoch_ns

    def raw(self, frame: Frame, time_ns: int) -> str:
        """As socketcand writes frames in raw mode: the data in one word."""
        header, data, when = frame.header, frame.data.hex().upper(), self._when(time_ns)
        if header & ERROR:
            return f"< error {header & ID_MASK:03X} {when} >"
        if header & REMOTE:
            return f"< rtr {_name(header)} {when} {len(frame.data)} >"
        if header & FD:
            flags = (_FLAG_BRS if header & BRS else 0) | (_FLAG_ESI if header & ESI else 0)
            return f"< fdframe {_name(header)} {flags:02X} {when} {data} >"
        return f"< frame {_name(header)} {when} {data} >"

    def spaced(self, frame: Frame, time_ns: int) -> str:
        """As socketcand writes frames in BCM mode: a word for each byte."""
        data = "".join(f"{byte:02X} " for byte in frame.data)
        return f"< frame {_name(frame.header)} {self._when(time_ns)} {data}>"

    def _when(self, time_ns: int) -> str:
        seconds, ns = divmod(self._epoch_ns + time_ns, NS_PER_S)
        return f"{seconds}.{ns // 1000:06d}"


def _name(header: int) -> str:
    return f"{header & ID_MASK:08X}" if header & EXTENDED else f"{header & ID_MASK:03X}"


def error_element(sentence: str) -> str:
    """A sentence as an element, whatever of the client's words is in it."""
    clean = "".join(
        character if character.isascii() and character.isprintable() and character not in "<>" else "?"
        for character in sentence
    )
    return f"< error {clean} >"
