"""Messages between the process that judges and the one that is judged: plain values, one after the other.

A message is eight bytes of length and what exercise/plain.py makes of a dictionary. Who judges reads with a bound on
the size, and takes nothing but plain values.
"""

from typing import Any, BinaryIO

from genlib.course.exercise.plain import BYTES, pack, unpack

LARGEST = 2 * BYTES


class EndedError(Exception):
    """The other side is gone, or sends what is no message."""


class Channel:
    """Two streams, one each way; ours: whether the other side is trusted to name what genlib.course.given holds."""

    def __init__(self, read: BinaryIO, write: BinaryIO, *, ours: bool = False):
        self._read, self._write, self._ours = read, write, ours

    def send(self, message: dict[str, Any]) -> None:
        """Raises: EndedError where nobody listens."""
        data = pack(message)
        try:
            self._write.write(len(data).to_bytes(8, "big") + data)
            self._write.flush()
        except (OSError, ValueError) as error:
            raise EndedError(str(error)) from None

    def receive(self) -> dict[str, Any]:
        """The next message. Raises: EndedError where none comes, or what comes is none."""
        try:
            size = int.from_bytes(self._exactly(8), "big")
            if size > LARGEST:
                raise EndedError(f"a message of {size} bytes")
            message = unpack(self._exactly(size), ours=self._ours)
        except (OSError, ValueError) as error:
            raise EndedError(f"{type(error).__name__}: {error}") from None
        if not isinstance(message, dict):
            raise EndedError("a message that is none")
        return message

    def _exactly(self, size: int) -> bytes:
        data = self._read.read(size)
        if len(data) < size:
            raise EndedError("no more is said")
        return data
