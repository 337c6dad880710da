"""What a signal was made of: its value by name, and the scale, table or expression that it went through."""

from __future__ import annotations

from gateway.com import label_of
from gateway.database import Signal
from gateway.routing import Route, SignalFeed, SignalRoute
from gateway.vehicle import AboutRule, Vehicle


def value_text(signal: Signal, value: int | float) -> str:
    """`65.26 km/h`, or `Derated` where the value table has a name for it."""
    return label_of(signal, value) or f"{value:.10g}" + (f" {signal.unit}" if signal.unit else "")


def route_of(vehicle: Vehicle | None, rule: AboutRule | None) -> Route | None:
    """The route of the vehicle file that a recording's rule is, if the file is still the same there."""
    routes = () if vehicle is None else vehicle.gateway.routes
    return next((route for route in routes if str(route.rule) == str(rule)), None)


def routed_text(route: Route | None, data: bytes) -> str:
    """`Speed = 65.26 km/h, times 1.03 is DisplaySpeed = 67.2178 km/h`; empty where a route changes nothing."""
    if not isinstance(route, SignalRoute):
        return ""
    source, transform = route.source, route.transform
    value = source.decode(data)
    if value is None or (transform.table is None and transform.scale == 1 and transform.offset == 0):
        return ""
    result = transform.apply(value, label_of(source, value))
    target = route.target.message.definition.signal(route.rule.target.split(".")[2])
    made = "not in it" if result is None else result if isinstance(result, str) else value_text(target, result)
    by = f"times {transform.scale:.10g}" if transform.scale != 1 else ""
    if transform.table is not None:
        by = "by its map"
    elif transform.offset:
        by += f"{' ' if by else ''}{'plus' if transform.offset > 0 else 'minus'} {abs(transform.offset):.10g}"
    return f"{source.name} = {value_text(source, value)}, {by}: {target.name} = {made}"


def published_text(feed: SignalFeed) -> str:
    """What became of the value that was published last: `the last 65.26 km/h, by `x * 10`: 652.6`; empty for none."""
    reception, published = feed.last_reception, feed.last_published
    if reception is None or published is None or published.time_ns != reception.time_ns:
        return ""
    signal = feed.rule.places[0].signal
    came = reception.label or f"{reception.value:.10g}" + (f" {signal.unit}" if signal.unit else "")
    shown = f"{published.value:.10g}" if isinstance(published.value, float) else str(published.value)
    if feed.rule.math is not None:
        return f"the last {came}, by `{feed.rule.math.text}`: {shown}"
    if feed.rule.table is not None:
        return f"the last {came}, by its mapping: {shown}"
    return f"the last {came}, as it is" if reception.label is None else f"the last {came}: {shown}"
