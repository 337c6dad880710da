"""Other gateways on a Zenoh network: which are there, and what is taken of what they tell.

They see each other by liveliness tokens. What one takes is stale here as soon as who told it is gone.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Final

from gateway.routing import NotSentError, Quality, SignalError, VssSignal
from gateway.routing.vss import Kind
from gateway.services.errors import RequestError, need_extra
from gateway.services.inlet import Inlet
from gateway.services.payload import decode
from gateway.services.signals import Signals, path_pattern
from gateway.services.topics import GATEWAYS, SET, Topics
from gateway.services.zenoh_options import ZenohOptions

try:
    import zenoh
except ImportError as error:
    raise need_extra("Zenoh (--bus zenoh)", "zenoh", error) from None

__all__ = ["MISSED_CYCLES", "OtherGateways", "zenoh"]

MISSED_CYCLES: Final = 3
"""A taken signal that was not told again for so many cycles is stale."""
_JSON: Final = zenoh.Encoding.APPLICATION_JSON


class OtherGateways:
    """`there`: the others by name; `paths`: what is taken of them. Counted: `taken` values, `wrong` ones, with the last
    reason. `tell` takes lines for the user; what Zenoh's threads have comes in through the inlet."""

    def __init__(
        self,
        signals: Signals,
        options: ZenohOptions,
        topics: Topics,
        name: str,
        inlet: Inlet[Callable[[], object]],
        tell: Callable[[str], object],
    ) -> None:
        self.there: Final[set[str]] = set()
        self.taken = self.wrong = 0
        self.last_wrong = ""
        pattern = path_pattern(options.take)
        self.paths: Final = {path for path in signals.by_path if options.take and pattern.fullmatch(path)}
        self._signals: Final = signals
        self._rules: Final = options.rules
        self._keys: Final = _key_expressions(topics.prefix, options.take)
        self._topics: Final = topics
        self._name: Final = name
        self._inlet: Final = inlet
        self._tell: Final = tell
        self._tellers: Final[dict[str, str]] = {}
        self._session: zenoh.Session | None = None
        self._stops: list[Callable[[], None]] = []

    def join(self, session: zenoh.Session) -> list[object]:
        """Hear them from now on; what was declared, which ends with its objects."""
        self._session = session
        put = self._inlet.put
        declared: list[object] = [
            session.liveliness().declare_subscriber(
                f"{self._topics.prefix}/{GATEWAYS}/*", lambda sample: put(partial(self._alive, sample)), history=True
            )
        ]
        for key in self._keys:
            told = session.declare_subscriber(
                key, lambda sample: put(partial(self._told, sample)), allowed_origin=zenoh.Locality.REMOTE
            )
            declared.append(told)
        for path in sorted(self.paths):
            signal = self._signals.store.declare(path, MISSED_CYCLES * self._rules.policy_of(path).cycle_ns)
            if self._signals.tree[path].kind is Kind.ACTUATOR:
                self._stops.append(signal.listen_target(self._pass_on))
        return declared

    def leave(self) -> None:
        """Nobody here asks for what they drive any more."""
        self._session = None
        for stop in self._stops:
            stop()
        self._stops.clear()

    def _alive(self, sample: zenoh.Sample) -> None:
        name = str(sample.key_expr).rpartition("/")[2]
        if name == self._name:
            return
        if sample.kind == zenoh.SampleKind.PUT:
            self.there.add(name)
            self._tell(f"Zenoh: gateway {name} is there")
            self._ask()
            return
        self.there.discard(name)
        self._tell(f"Zenoh: gateway {name} is gone")
        for path, teller in self._tellers.items():
            if teller == name:
                self._signals.by_path[path].expire()

    def _ask(self) -> None:
        """For the values of now that we take: who tells them on change may not do it again soon."""
        if self._session is None:
            return
        for key in self._keys:
            self._session.get(key, self._replied, allowed_destination=zenoh.Locality.REMOTE)

    def _replied(self, reply: zenoh.Reply) -> None:
        if reply.ok is not None:
            self._inlet.put(partial(self._told, reply.ok))

    def _told(self, sample: zenoh.Sample) -> None:
        """A value of another gateway."""
        path = self._topics.path(str(sample.key_expr))
        if path not in self.paths or str(sample.key_expr).endswith(SET):
            return
        signal = self._signals.by_path[path]
        try:
            value, quality = decode(sample.payload.to_bytes())
            if quality is Quality.GOOD:
                signal.publish(self._signals.tree[path].coerce(value))
                self._tellers[path] = "" if sample.attachment is None else sample.attachment.to_string()
                self.taken += 1
            else:
                signal.expire()
        except (RequestError, SignalError, ValueError) as error:
            self.wrong += 1
            self.last_wrong = f"{path}: {error}"

    def _pass_on(self, signal: VssSignal) -> None:
        """Somebody here asks for a value that another gateway drives."""
        if self._session is None or self._tellers.get(signal.path) not in self.there:
            raise NotSentError(f"no gateway on Zenoh tells {signal.path} now")
        key = self._topics.of[signal.path] + SET
        self._session.put(key, json.dumps(signal.target.value), encoding=_JSON)


def _key_expressions(prefix: str, patterns: tuple[str, ...]) -> list[str]:
    """VSS patterns as Zenoh writes them: a branch is all below it, part of a name is `$*`."""
    return [f"{prefix}/{'/'.join(_chunk(name) for name in pattern.split('.'))}/**" for pattern in patterns]


def _chunk(name: str) -> str:
    return name if name in ("*", "**") else name.replace("*", "$*")
