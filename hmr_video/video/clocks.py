"""Times of packets in formats in which they cannot be taken as they are: broadcasts, discs and GIFs."""

from typing import Any

_JUMP, _BACK = 10.0, 0.1  # seconds, forward and backward, by which the clock of a broadcast may be off before it counts as reset


class BroadcastClock:
    """Joins what a broadcast or a disc was put together from: FFmpeg's own rule for formats whose clocks may start anew."""

    def __init__(self, stream: Any) -> None:
        self._second = 1.0 / float(stream.time_base)
        self._step = self._second / float(stream.guessed_rate or 25)
        self._shift = 0
        self._last: int | None = None
        self._next = 0.0

    def set(self, packet: Any) -> bool:
        """Moves a packet's times so that they follow those before; whether the clock started anew with it."""
        if packet.dts is None:
            return False
        dts = packet.dts + self._shift
        jumped = self._last is not None and (
            abs(dts - self._next) > _JUMP * self._second or dts < self._last - _BACK * self._second
        )
        if jumped:
            self._shift += round(self._next - dts)
        packet.dts += self._shift
        if packet.pts is not None:
            packet.pts += self._shift
        self._last, self._next = packet.dts, packet.dts + (packet.duration or self._step)
        return jumped


class GifClock:
    """Shows a picture that asks for hardly any time, or none, for as long as all browsers do."""

    def __init__(self, stream: Any) -> None:
        self._least, self._usual = (round(seconds / float(stream.time_base)) for seconds in (0.02, 0.1))
        self._next = 0

    def set(self, packet: Any) -> bool:
        """Moves a packet's time behind the pictures before; the clock never starts anew."""
        if packet.size:
            packet.pts = packet.dts = self._next
            self._next += packet.duration if (packet.duration or 0) >= self._least else self._usual
        return False
