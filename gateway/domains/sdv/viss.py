"""VISS version 2 (W3C/COVESA Vehicle Information Service Specification), one client. Knows no socket.

Requests and answers are JSON texts: `get` (a signal, a branch, a path with wildcards; filters `paths`, `history`,
`static-metadata`, `dynamic-metadata`), `set`, `subscribe` (filters `paths`, `timebased`, `range`, `change`, `curvelog`) and
`unsubscribe`. Values travel as text, as the specification has them; what is absent or stale is an error 404 for a get of
one signal, and in events a datapoint without a value.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from gateway.domains.errors import Code, DomainError
from gateway.domains.sdv.access import Access, now_s
from gateway.domains.sdv.broker import Broker, values_of
from gateway.domains.sdv.entry import Entry, good
from gateway.domains.sdv.permissions import Action, Permissions
from gateway.domains.sdv.viss_filters import Filters, filters_of, subscription_filter
from gateway.domains.sdv.viss_history import History, period_ns
from gateway.domains.sdv.viss_json import dp, timestamp, value_of
from gateway.domains.sdv.viss_metadata import Transport, asked_of_server, capabilities, dynamic, metadata_tree
from gateway.domains.sdv.viss_subscription import Event, VissSubscription
from gateway.routing import Datapoint

ROOM: Final = 1000
"""Answers that may wait for a client which does not read; then it is let go."""
SUBSCRIPTIONS: Final = 1000
_GET_FILTERS: Final = "there are paths, history, static-metadata and dynamic-metadata"
_ERRORS: Final = {
    Code.NOT_FOUND: ("404", "invalid_path"),
    Code.INVALID_ARGUMENT: ("400", "bad_request"),
    Code.UNAUTHENTICATED: ("401", "invalid_token"),
    Code.PERMISSION_DENIED: ("403", "user_forbidden"),
    Code.ALREADY_EXISTS: ("409", "conflict"),
    Code.UNAVAILABLE: ("503", "service_unavailable"),
}


class VissSession:
    """Feed it with `receive`; send what `outgoing` yields whenever `on_ready` is called; `close` it at the end."""

    def __init__(
        self,
        broker: Broker,
        access: Access,
        epoch_ns: int,
        history: History | None = None,
        transport: Transport = Transport.WS,
    ) -> None:
        self.on_ready: Callable[[], object] | None = None
        self.over: bool = False
        """It reads so little that it is to be let go."""
        self._broker = broker
        self._access = access
        self._epoch_ns = epoch_ns
        self._history = history
        self._transport = transport
        self._answers: deque[dict[str, Any]] = deque()
        self._subscriptions: dict[str, VissSubscription] = {}
        self._last_id = 0

    def receive(self, text: str | bytes) -> None:
        """Answer a request. Never raises, whatever it holds."""
        request: dict[str, Any] = {}
        try:
            request = _request(text)
            self._answer(request, self._do(request))
        except DomainError as error:
            number, reason = _ERRORS[error.code]
            self._answer(request, {"error": {"number": number, "reason": reason, "message": error.sentence}})

    def outgoing(self) -> Iterable[str]:
        """What is to be sent now: answers first, then events."""
        while self._answers:
            yield json.dumps(self._answers.popleft())
        for number, subscription in list(self._subscriptions.items()):
            for event in subscription.take():
                try:
                    subscription.permissions.check_time(now_s())
                except DomainError as error:
                    self._unsubscribe(number)
                    told = {"number": "401", "reason": "token_expired", "message": error.sentence}
                    yield self._event(number, {"error": told})
                    break
                yield self._event(number, {"data": self._data(event)})

    def close(self) -> None:
        for number in list(self._subscriptions):
            self._unsubscribe(number)

    # Requests

    def _do(self, request: dict[str, Any]) -> dict[str, Any]:
        action = request.get("action")
        if action == "get":
            return self._get(request)
        if action == "set":
            return self._set(request)
        if action == "subscribe":
            return self._subscribe(request)
        if action == "unsubscribe":
            number = str(request.get("subscriptionId"))
            if number not in self._subscriptions:
                raise DomainError(Code.NOT_FOUND, f"there is no subscription {number!r:.40}")
            self._unsubscribe(number)
            return {"subscriptionId": number}
        raise DomainError(
            Code.INVALID_ARGUMENT, f"there is no action {action!r:.40}; there are get, set, subscribe and unsubscribe"
        )

    def _get(self, request: dict[str, Any]) -> dict[str, Any]:
        may = self._permissions(request)
        filters = filters_of(request.get("filter"))
        kind, parameter = filters.kind, filters.parameter
        if kind == "dynamic-metadata" and asked_of_server(parameter):
            return {"metadata": capabilities(self._transport)}
        root = str(request.get("path", ""))
        entries = self._entries(root, filters)
        if kind in ("static-metadata", "metadata"):
            return {"metadata": metadata_tree(self._broker.tree, _path(root), entries, parameter)}
        for entry in entries:
            may.check(Action.READ, entry.path)
        if kind == "dynamic-metadata":
            ts = self._now()
            told = dynamic(parameter, entries)
            return {"data": _one_or_all([_data(entry, {"ts": ts, "value": value}) for entry, value in told.items()])}
        if kind == "history":
            return {"data": self._past(entries, parameter)}
        if kind is not None:
            raise DomainError(Code.INVALID_ARGUMENT, f"there is no filter {kind!r:.40} for a get; {_GET_FILTERS}")
        if len(entries) == 1 and entries[0].current() is None:
            raise DomainError(Code.NOT_FOUND, f"{entries[0].path} has no value now: it never came, or is stale")
        return {"data": self._data([(entry, entry.datapoint()) for entry in entries])}

    def _past(self, entries: Sequence[Entry], period: Any) -> Any:
        """What the signals were within a period until now."""
        since_ns = self._broker.kernel.now - period_ns(period)
        past = [
            _data(entry, [self._dp(point) for point in points])
            for entry in entries
            if self._history is not None and (points := self._history.of(entry, since_ns))
        ]
        if not past:
            raise DomainError(Code.NOT_FOUND, "nothing is recorded of it within this period")
        return _one_or_all(past)

    def _set(self, request: dict[str, Any]) -> dict[str, Any]:
        may = self._permissions(request)
        entry = self._broker.entry(_path(request.get("path")))
        if "value" not in request:
            raise DomainError(Code.INVALID_ARGUMENT, f"a set of {entry.path} without a value")
        self._broker.actuate([(entry, value_of(entry.leaf, request["value"]))], may)
        return {}

    def _subscribe(self, request: dict[str, Any]) -> dict[str, Any]:
        may = self._permissions(request)
        if len(self._subscriptions) >= SUBSCRIPTIONS:
            raise DomainError(Code.UNAVAILABLE, f"a client has no more than {SUBSCRIPTIONS} subscriptions")
        filters = filters_of(request.get("filter"))
        chosen = None if filters.kind is None else subscription_filter(filters.kind, filters.parameter)
        entries = self._entries(str(request.get("path", "")), filters)
        inner = self._broker.subscribe(values_of(entries), may)
        self._last_id += 1
        number = str(self._last_id)
        self._subscriptions[number] = VissSubscription(self._broker.kernel, inner, entries, may, chosen, self._wake)
        return {"subscriptionId": number}

    def _unsubscribe(self, number: str) -> None:
        self._subscriptions.pop(number).close()

    def _permissions(self, request: dict[str, Any]) -> Permissions:
        token = request.get("authorization")
        return self._access.permissions(None if token is None else f"Bearer {str(token).removeprefix('Bearer ')}")

    def _entries(self, root: str, filters: Filters) -> Sequence[Entry]:
        if filters.paths is None:
            return self._broker.below(_path(root))
        found: dict[Entry, None] = {}
        for pattern in filters.paths:
            found |= dict.fromkeys(self._broker.below(_path(f"{root}.{pattern}" if root else pattern)))
        return list(found)

    # Answers

    def _answer(self, request: dict[str, Any], content: dict[str, Any]) -> None:
        answer = {"action": str(request.get("action", "")), **content, "ts": self._now()}
        if "requestId" in request:
            answer["requestId"] = request["requestId"]
        if len(self._answers) >= ROOM:
            self.over = True
        else:
            self._answers.append(answer)
        self._wake()

    def _event(self, number: str, content: dict[str, Any]) -> str:
        return json.dumps({"action": "subscription", "subscriptionId": number, **content, "ts": self._now()})

    def _data(self, points: Event) -> Any:
        by_entry: dict[Entry, list[dict[str, Any]]] = {}
        for entry, datapoint in points:
            by_entry.setdefault(entry, []).append(self._dp(datapoint))
        return _one_or_all([_data(entry, _one_or_all(dps)) for entry, dps in by_entry.items()])

    def _dp(self, datapoint: Datapoint) -> dict[str, Any]:
        return dp(good(datapoint), self._epoch_ns + datapoint.time_ns)

    def _now(self) -> str:
        return timestamp(self._epoch_ns + self._broker.kernel.now)

    def _wake(self) -> None:
        if self.on_ready is not None:
            self.on_ready()


def _request(text: str | bytes) -> dict[str, Any]:
    try:
        request = json.loads(text)
    except (ValueError, RecursionError):
        raise DomainError(Code.INVALID_ARGUMENT, "the request is no JSON") from None
    if not isinstance(request, dict):
        raise DomainError(Code.INVALID_ARGUMENT, "the request is no JSON object")
    return request


def _path(path: Any) -> str:
    """With dots: VISS over HTTP writes slashes, and some clients do so here."""
    if not isinstance(path, str) or not path:
        raise DomainError(Code.INVALID_ARGUMENT, "a request without a path")
    return path.replace("/", ".").strip(".")


def _data(entry: Entry, dp: Any) -> dict[str, Any]:
    return {"path": entry.path, "dp": dp}


def _one_or_all(items: list[Any]) -> Any:
    """One thing by itself, several as a list, as the specification has it."""
    return items[0] if len(items) == 1 else items
