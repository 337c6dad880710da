"""The mapping between CAN and VSS of a vehicle file."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from gateway.can import Frame
from gateway.database import Message
from gateway.errors import GatewayError
from gateway.routing import (
    CanToVss,
    CanValue,
    Defaults,
    NotSentError,
    VssMapping,
    VssToCan,
    load_defaults,
    load_mapping,
)
from gateway.routing.upward import MessageFeed
from gateway.vehicle.errors import keep, raise_all
from gateway.vehicle.file.read import VehicleFile
from gateway.vehicle.vehicle import Vehicle


def build_signals(vehicle: Vehicle, file: VehicleFile) -> None:
    """Give the gateway the signals of the file's VSS tree: those that CAN feeds, and those that drive CAN.

    VehicleFileError with the faults of all its files.
    """
    options = file.spec.gateway
    if options.signals is None:
        return
    faults: list[GatewayError] = []
    tree = file.existing(options.signals, "gateway", "signals")
    places = [
        keep(faults, partial(file.existing, overlay, "gateway", "overlays", index))
        for index, overlay in enumerate(options.overlays)
    ]
    overlays = [place for place in places if place is not None]
    mapping = keep(faults, lambda: load_mapping(tree, vehicle.databases, *overlays))
    defaults = None if options.defaults is None else keep(faults, partial(_defaults, vehicle, file, options.defaults))
    raise_all(faults)
    assert mapping is not None
    attach_mapping(vehicle, mapping, defaults)


def _defaults(vehicle: Vehicle, file: VehicleFile, name: str) -> Defaults:
    return load_defaults(file.existing(name, "gateway", "defaults"), vehicle.databases)


def attach_mapping(vehicle: Vehicle, mapping: VssMapping, defaults: Defaults | None = None) -> None:
    """Let the gateway follow the rules of a mapping, in both directions, and check what is protected end to end."""
    gateway = vehicle.gateway
    vehicle.mapping = mapping
    vehicle.can_to_vss = CanToVss(gateway.kernel, mapping.upward, gateway.store)
    for (bus, key), feed in vehicle.can_to_vss.messages.items():
        protected = vehicle.protected.get((bus, key))
        receive = feed.on_frame if protected is None else _checked(feed, protected.checker().accepts)
        gateway.controllers[bus].receive(key, receive)
    vehicle.vss_to_can = VssToCan(mapping.downward, gateway.store, _sender(vehicle), defaults)
    for command in vehicle.vss_to_can.commands:
        place = command.rule.place
        message = gateway.command(place.bus, place.message)
        routed = gateway.routed_signals(place.bus, place.message)
        if place.signal.name in routed:
            name = f"{place.bus}.{place.message.name}.{place.signal.name}"
            path = command.rule.leaf.path
            raise GatewayError(f"{name} is the target of a route and of the actuator {path}; it can be one only")
        for name, value in vehicle.vss_to_can.values(place.bus, place.message).items():
            if name not in routed:
                message.signal(name).value = value


def _checked(feed: MessageFeed, check: Callable[[bytes], bool]) -> Callable[[Frame], None]:
    """Believe only what the check lets through: what else comes keeps no signal from becoming stale."""

    def on_frame(frame: Frame) -> None:
        if check(frame.data):
            feed.on_frame(frame)

    return on_frame


def _sender(vehicle: Vehicle) -> Callable[[str, Message, dict[str, CanValue]], None]:
    gateway = vehicle.gateway

    def send(bus: str, message: Message, values: dict[str, CanValue]) -> None:
        sending = gateway.command(bus, message)
        routed = gateway.routed_signals(bus, message)
        raws = {name: message.by_name[name].to_raw(value) for name, value in values.items() if name not in routed}
        for name, raw in raws.items():
            sending.signal(name).put_raw(raw)
        if not sending.send():
            raise NotSentError(
                f"{bus}.{message.name} could not be sent: the controller is {sending.controller.state.value}"
            )

    return send
