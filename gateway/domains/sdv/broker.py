"""The broker: what applications may ask of the signals, whatever protocol they speak. Knows no socket."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Final

from gateway.domains.errors import Code, DomainError
from gateway.domains.sdv.changes import Changes, Key
from gateway.domains.sdv.entry import Aspect, Entry
from gateway.domains.sdv.permissions import Action, Permissions, path_pattern
from gateway.domains.sdv.provider import Actuation, Provider
from gateway.domains.sdv.subscription import Sampling, Subscription
from gateway.errors import nearest
from gateway.routing import SignalError, SignalStore, VssTree
from gateway.routing.store import NotSentError
from gateway.sim import Kernel

PATH_LIMIT: Final = 1000
"""Characters of a path that a client sends (kuksa.val.v2, MAX_REQUEST_PATH_LENGTH)."""
BUFFER_LIMIT: Final = 1000
"""Messages that may wait for a subscriber (kuksa.val.v2, MAX_BUFFER_SIZE)."""


class Broker:
    """All leaves of a tree over the signals of a store. Leaves with a default have it from the start."""

    def __init__(self, kernel: Kernel, store: SignalStore, tree: VssTree) -> None:
        self.kernel: Final = kernel
        self.tree: Final = tree
        self.entries: Final[dict[str, Entry]] = {}
        self._numbers: list[Entry] = []
        self._changes: dict[tuple[Key, ...], Changes] = {}
        for number, (path, leaf) in enumerate(tree.items(), start=1):
            signal = store.declare(path)
            if leaf.default is not None and signal.datapoint.value is None:
                signal.publish(leaf.default)
            self.entries[path] = entry = Entry(number, leaf, signal)
            self._numbers.append(entry)

    # Finding

    def entry(self, path: str) -> Entry:
        """DomainError, with the nearest path, for one that is no signal."""
        found = self.entries.get(path)
        if found is not None:
            return found
        _check_path(path)
        raise DomainError(Code.NOT_FOUND, self.tree.no_leaf(path))

    def by_number(self, number: int) -> Entry:
        """The entry with this number; DomainError for none."""
        if not 1 <= number <= len(self._numbers):
            raise DomainError(Code.NOT_FOUND, f"there is no signal with the id {number}; ListMetadata tells them")
        return self._numbers[number - 1]

    def below(self, root: str) -> Sequence[Entry]:
        """A signal, all signals of a branch, or those that a path with `*` and `**` matches. DomainError for none."""
        _check_path(root, empty=True)
        if root in self.entries:
            return [self.entries[root]]
        if root == "":
            return self._numbers
        if not all(
            level.replace("_", "").replace("*", "").isalnum() or set(level) == {"*"} for level in root.split(".")
        ):
            raise DomainError(Code.INVALID_ARGUMENT, f"{root!r} is no path: it is like Vehicle.Cabin or Vehicle.**")
        pattern = path_pattern(root)
        found = [entry for entry in self._numbers if pattern.fullmatch(entry.path)]
        if not found:
            near = nearest(root, [*self.tree.branches, *self.entries])
            raise DomainError(Code.NOT_FOUND, f"there is nothing at {root!r} in the VSS tree{near}")
        return found

    # Asking and telling

    def readable(self, entry: Entry, permissions: Permissions) -> Entry:
        """The entry, or DomainError for one that may not be read."""
        permissions.check(Action.READ, entry.path)
        return entry

    def publish(self, entry: Entry, value: object, permissions: Permissions) -> None:
        """Its current value, told by a client. DomainError where it may not or cannot be.

        What the vehicle itself drives has the value that the vehicle tells: there, it is asked for the value.
        """
        permissions.check(Action.PROVIDE, entry.path)
        if entry.driven:
            self._do(Actuation(entry, entry.coerce(value)))
            return
        entry.signal.publish(entry.coerce(value))

    def actuate(self, wishes: Iterable[tuple[Entry, object]], permissions: Permissions) -> None:
        """Ask actuators for values: all or, where one may not or cannot, none. DomainError tells which."""
        actuations = [self._actuation(entry, value, permissions) for entry, value in wishes]
        for entry, _ in actuations:
            if not entry.driven and entry.actuation_provider is None:
                raise DomainError(Code.UNAVAILABLE, f"nobody drives {entry.path}: it has no provider")
        for actuation in actuations:
            self._do(actuation)

    def set_target(self, entry: Entry, value: object, permissions: Permissions) -> None:
        """As `actuate`, but a target value may also be one that nobody drives yet."""
        self._do(self._actuation(entry, value, permissions))

    def subscribe(
        self, keys: Iterable[Key], permissions: Permissions, sampling: Sampling | None = None
    ) -> Subscription:
        """DomainError where one of them may not be read, or there is none."""
        keys = tuple(dict.fromkeys(keys))
        sampling = sampling or Sampling()
        if not keys:
            raise DomainError(Code.INVALID_ARGUMENT, "a subscription to no signal")
        if sampling.buffer > BUFFER_LIMIT:
            raise DomainError(Code.INVALID_ARGUMENT, f"a buffer of {sampling.buffer} is more than {BUFFER_LIMIT}")
        for entry, _ in keys:
            permissions.check(Action.READ, entry.path)
        changes = self._changes.get(keys)
        if changes is None:
            changes = self._changes[keys] = Changes(self.kernel, keys, partial(self._changes.pop, keys))
        return Subscription(self.kernel, changes, sampling)

    def provider(self, permissions: Permissions) -> Provider:
        """A provider, which has not claimed anything yet."""
        return Provider(self, permissions)

    def _actuation(self, entry: Entry, value: object, permissions: Permissions) -> Actuation:
        permissions.check(Action.ACTUATE, entry.path)
        if not entry.is_actuator:
            raise DomainError(
                Code.INVALID_ARGUMENT, f"{entry.path} is {_a(entry.leaf.kind.value)}, no actuator: it can only be read"
            )
        return Actuation(entry, entry.coerce(value))

    def _do(self, actuation: Actuation) -> None:
        entry = actuation.entry
        if entry.actuation_provider is not None:
            entry.actuation_provider.actuate(actuation)
        try:
            entry.signal.actuate(actuation.value)
        except NotSentError as error:
            raise DomainError(Code.UNAVAILABLE, f"{entry.path}: {error.sentence}") from None
        except SignalError as error:
            raise DomainError(Code.INVALID_ARGUMENT, error.sentence) from None


def values_of(entries: Iterable[Entry]) -> list[Key]:
    """The keys of the current values."""
    return [(entry, Aspect.VALUE) for entry in entries]


def _a(word: str) -> str:
    return f"an {word}" if word[0] in "aeiou" else f"a {word}"


def _check_path(path: str, *, empty: bool = False) -> None:
    if len(path) > PATH_LIMIT:
        raise DomainError(Code.INVALID_ARGUMENT, f"a path of {len(path)} characters is longer than {PATH_LIMIT}")
    if not path and not empty:
        raise DomainError(Code.INVALID_ARGUMENT, "a request without a path")
