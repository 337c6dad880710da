"""The mapping between CAN and VSS of a vehicle file."""

from __future__ import annotations

from collections.abc import Callable

from gateway.database import Message
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
from gateway.vehicle.file import VehicleFile
from gateway.vehicle.vehicle import Vehicle


def build_signals(vehicle: Vehicle, file: VehicleFile) -> None:
    """Give the gateway the signals of the file's VSS tree: those that CAN feeds, and those that drive CAN."""
    options = file.spec.gateway
    if options.signals is None:
        return
    overlays = [file.folder / overlay for overlay in options.overlays]
    mapping = load_mapping(file.folder / options.signals, vehicle.databases, *overlays)
    defaults = load_defaults(file.folder / options.defaults, vehicle.databases) if options.defaults else None
    attach_mapping(vehicle, mapping, defaults)


def attach_mapping(vehicle: Vehicle, mapping: VssMapping, defaults: Defaults | None = None) -> None:
    """Let the gateway follow the rules of a mapping, in both directions."""
    gateway = vehicle.gateway
    vehicle.mapping = mapping
    vehicle.can_to_vss = CanToVss(gateway.kernel, mapping.upward, gateway.store)
    for (bus, key), feed in vehicle.can_to_vss.messages.items():
        gateway.controllers[bus].receive(key, feed.on_frame)
    vehicle.vss_to_can = VssToCan(mapping.downward, gateway.store, _sender(vehicle), defaults)
    for command in vehicle.vss_to_can.commands:
        place = command.rule.place
        message = gateway.command(place.bus, place.message)
        for name, value in vehicle.vss_to_can.values(place.bus, place.message).items():
            message.signal(name).value = value


def _sender(vehicle: Vehicle) -> Callable[[str, Message, dict[str, CanValue]], None]:
    def send(bus: str, message: Message, values: dict[str, CanValue]) -> None:
        sending = vehicle.gateway.command(bus, message)
        raws = {name: message.signal(name).to_raw(value) for name, value in values.items()}
        for name, raw in raws.items():
            sending.signal(name).put_raw(raw)
        if not sending.send():
            raise NotSentError(
                f"{bus}.{message.name} could not be sent: the controller is {sending.controller.state.value}"
            )

    return send
