"""The vehicle HAL: properties with their values, subscriptions and events. Knows no socket and no proto.

A continuous property is sampled at the rate of its subscription; one that changes by itself is sent to every open
stream when it changes and once when it is subscribed, unless somebody has ended its subscription. Timestamps never go
back.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

from gateway.domains.aaos.clients import EVERYBODY, Client
from gateway.domains.aaos.events import EventStream
from gateway.domains.aaos.power import answer_to
from gateway.domains.aaos.property import Access, ChangeMode
from gateway.domains.aaos.source import Source
from gateway.domains.aaos.values import (
    EMPTY,
    AreaConfig,
    Place,
    PropertyConfig,
    PropertyValue,
    RawValue,
    Status,
    StatusCode,
    fits,
    in_range,
)
from gateway.sim import NS_PER_S, Kernel, Timer


@dataclass(frozen=True, slots=True)
class Reading:
    """What a get gives. `value` is None unless the code is OK."""

    code: StatusCode
    value: PropertyValue | None = None


@dataclass(frozen=True, slots=True)
class SubscribeOptions:
    """A wish for events. `areas` empty: all of the property. `resolution`: floats are rounded to multiples of it."""

    prop: int
    areas: tuple[int, ...] = ()
    rate: float = 0.0
    resolution: float = 0.0
    variable_rate: bool = False


class _Sampler:
    """Sends a continuous property at a rate."""

    def __init__(self, hal: VehicleHal, place: Place, options: SubscribeOptions, period_ns: int) -> None:
        self.options: Final = options
        self.period_ns: Final = period_ns
        self._hal = hal
        self._place = place
        self._timer = Timer(hal.kernel, self._sample)
        self._timer.set(hal.kernel.now + period_ns)
        self._due_ns = hal.kernel.now + period_ns

    def cancel(self) -> None:
        self._timer.cancel()

    def _sample(self) -> None:
        self._due_ns += self.period_ns
        now = self._hal.kernel.now
        if self._due_ns <= now:  # the program was late: missed samples are not made up for
            self._due_ns = now + self.period_ns
        self._timer.set(self._due_ns)
        self._hal.sample(self._place, self.options)


class VehicleHal:
    """`sources`: where mapped values come from; other properties keep what was set, or their default.

    `shift_ns`: what is added to the kernel's time in timestamps.
    """

    def __init__(
        self,
        kernel: Kernel,
        configs: Mapping[int, PropertyConfig],
        sources: Mapping[Place, Source],
        *,
        shift_ns: int = 0,
    ) -> None:
        self.kernel: Final = kernel
        self.configs: Final = configs
        self._sources = sources
        self._shift_ns = shift_ns
        self._stored: dict[Place, RawValue] = {}
        self._sent: dict[Place, tuple[RawValue, Status]] = {}
        self._last_ns: dict[Place, int] = {}
        self._samplers: dict[Place, _Sampler] = {}
        self._muted: set[Place] = set()
        self._streams: list[EventStream] = []
        self._stops = []
        for config in configs.values():
            for area in config.area_ids:
                place = Place(config.prop.id, area)
                default = config.default_in(area)
                if place not in sources and default is not None and default != EMPTY:
                    self._stored[place] = default
                if place in sources and config.prop.change_mode is not ChangeMode.CONTINUOUS:
                    self._stops += sources[place].listen(partial(self._changed, place))

    def close(self) -> None:
        """Stop listening and sampling, and end the streams."""
        for stop in self._stops:
            stop()
        for sampler in self._samplers.values():
            sampler.cancel()
        for stream in list(self._streams):
            stream.close()

    # Values

    def get(self, place: Place, client: Client = EVERYBODY) -> Reading:
        """A value as it is now; one that is stale or has never come is UNAVAILABLE."""
        config = self._config(place)
        if config is None:
            return Reading(StatusCode.INVALID_ARG)
        if not config.access_in(place.area) & Access.READ or not client.may_read(config.prop):
            return Reading(StatusCode.ACCESS_DENIED)
        value = self._value(place)
        return Reading(StatusCode.NOT_AVAILABLE) if value is None else Reading(StatusCode.OK, value)

    def set(self, place: Place, raw: RawValue, client: Client = EVERYBODY) -> StatusCode:
        """Ask for a value. Of a mapped property the car decides: its event tells what it did."""
        config = self._config(place)
        if config is None:
            return StatusCode.INVALID_ARG
        if not config.access_in(place.area) & Access.WRITE or not client.may_write(config.prop):
            return StatusCode.ACCESS_DENIED
        if not fits(config.prop.value_type, raw) or not in_range(config.areas.get(place.area), raw):
            return StatusCode.INVALID_ARG
        source = self._sources.get(place)
        if source is not None:
            return source.write(raw)
        self._store(place, raw)
        for answer in answer_to(place, raw):
            if answer[0].prop in self.configs:
                self._store(*answer)
        return StatusCode.OK

    def min_max(self, place: Place) -> tuple[StatusCode, AreaConfig | None]:
        """The limits of a property in an area, in its `AreaConfig`."""
        config = self._config(place)
        if config is None:
            return StatusCode.INVALID_ARG, None
        return StatusCode.OK, config.areas.get(place.area)

    # Events

    def open_stream(self, client: Client = EVERYBODY) -> EventStream:
        """A reader of all events."""
        stream = EventStream(self._streams.remove, client)
        self._streams.append(stream)
        return stream

    def subscribe(self, options: SubscribeOptions, client: Client = EVERYBODY) -> StatusCode:
        """Want events. A rate out of the property's range is clamped to it."""
        config = self.configs.get(options.prop)
        if config is None or math.isnan(options.rate) or options.resolution < 0:
            return StatusCode.INVALID_ARG
        places = [Place(options.prop, area) for area in options.areas or config.area_ids]
        if any(self._config(place) is None for place in places):
            return StatusCode.INVALID_ARG
        if not client.may_read(config.prop) or not any(config.access_in(p.area) & Access.READ for p in places):
            return StatusCode.ACCESS_DENIED
        for place in places:
            if config.prop.change_mode is ChangeMode.CONTINUOUS:
                self._sample_at(place, config, options)
            else:
                self._muted.discard(place)
                value = self._value(place)
                if value is not None:
                    self._send(place, value)
        return StatusCode.OK

    def unsubscribe(self, prop: int, area: int) -> StatusCode:
        """No more events of a property in an area."""
        place = Place(prop, area)
        config = self._config(place)
        if config is None:
            return StatusCode.INVALID_ARG
        self._end_sampling(place)
        if config.prop.change_mode is not ChangeMode.CONTINUOUS:
            self._muted.add(place)
        return StatusCode.OK

    def update_sample_rate(self, prop: int, area: int, rate: float) -> StatusCode:
        """As older guests ask for events of a continuous property; 0 ends them."""
        config = self._config(Place(prop, area))
        if config is None or config.prop.change_mode is not ChangeMode.CONTINUOUS or math.isnan(rate) or rate < 0:
            return StatusCode.INVALID_ARG
        if rate == 0:
            self._end_sampling(Place(prop, area))
        else:
            self._sample_at(Place(prop, area), config, SubscribeOptions(prop, (area,), rate))
        return StatusCode.OK

    def sample(self, place: Place, options: SubscribeOptions) -> None:
        """Send what a continuous property is now; with a variable rate only where it has changed."""
        value = self._value(place)
        if value is None:
            return
        if options.resolution and value.raw.floats:
            step = options.resolution
            value = value._replace(
                raw=value.raw._replace(floats=tuple(round(v / step) * step for v in value.raw.floats))
            )
        if options.variable_rate and self._sent.get(place) == (value.raw, value.status):
            return
        self._send(place, value._replace(time_ns=self._now_ns(place)))

    @property
    def sample_rates(self) -> Mapping[Place, float]:
        """What is sampled, at how many a second."""
        return {place: NS_PER_S / sampler.period_ns for place, sampler in self._samplers.items()}

    @property
    def streams(self) -> int:
        return len(self._streams)

    def values(self) -> Iterable[PropertyValue]:
        """All values that there are, by property and area."""
        for prop in sorted(self.configs):
            for area in self.configs[prop].area_ids:
                value = self._value(Place(prop, area))
                if value is not None:
                    yield value

    # Within

    def _config(self, place: Place) -> PropertyConfig | None:
        config = self.configs.get(place.prop)
        return config if config is not None and place.area in config.area_ids else None

    def _value(self, place: Place) -> PropertyValue | None:
        source = self._sources.get(place)
        if source is None:
            raw = self._stored.get(place)
            return None if raw is None else PropertyValue(place, raw, self._last_ns.get(place, self._shift_ns))
        raw = source.read()
        if raw is None:
            return PropertyValue(place, EMPTY, self._now_ns(place), Status.UNAVAILABLE)
        return PropertyValue(place, raw, self._shift_ns + source.time_ns)

    def _store(self, place: Place, raw: RawValue) -> None:
        if self._stored.get(place) == raw:
            return
        self._stored[place] = raw
        self._last_ns[place] = self._now_ns(place)
        self._changed(place)

    def _changed(self, place: Place) -> None:
        value = self._value(place)
        if value is None or place in self._muted or self._sent.get(place) == (value.raw, value.status):
            return
        self._send(place, value._replace(time_ns=self._now_ns(place)))

    def _send(self, place: Place, value: PropertyValue) -> None:
        self._sent[place] = (value.raw, value.status)
        self._last_ns[place] = max(value.time_ns, self._last_ns.get(place, 0))
        value = value._replace(time_ns=self._last_ns[place])
        known = self.configs[place.prop].prop
        for stream in list(self._streams):
            if stream.client.may_read(known):
                stream.add(value)

    def _now_ns(self, place: Place) -> int:
        return max(self.kernel.now + self._shift_ns, self._last_ns.get(place, 0))

    def _sample_at(self, place: Place, config: PropertyConfig, options: SubscribeOptions) -> None:
        self._end_sampling(place)
        rate = options.rate
        if config.max_rate:
            rate = min(rate, config.max_rate)
        rate = max(rate, config.min_rate)
        if rate <= 0:
            return
        area = config.areas.get(place.area)
        if options.variable_rate and (area is None or not area.variable_rate):
            options = SubscribeOptions(options.prop, options.areas, options.rate, options.resolution)
        self._samplers[place] = _Sampler(self, place, options, max(1, round(NS_PER_S / rate)))

    def _end_sampling(self, place: Place) -> None:
        sampler = self._samplers.pop(place, None)
        if sampler is not None:
            sampler.cancel()
