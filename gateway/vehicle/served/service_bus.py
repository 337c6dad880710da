"""The service bus of a vehicle: its signals over MQTT and Zenoh, as the file and the command line say."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from gateway.links.addresses import address
from gateway.links.errors import LinkError
from gateway.services.errors import ServiceError
from gateway.services.mqtt_options import MqttOptions, Tls, local_broker, mqtt_place
from gateway.services.policy import EventPolicy, Send
from gateway.services.rules import Rules, SignalRule
from gateway.services.signals import Signals
from gateway.services.zenoh_options import ZenohOptions, endpoint
from gateway.sim import NS_PER_S
from gateway.vehicle.file.read import VehicleFile
from gateway.vehicle.file.service_bus import SignalRuleSpec
from gateway.vehicle.vehicle import Vehicle

if TYPE_CHECKING:
    from gateway.services.mqtt import MqttBus
    from gateway.services.zenoh_bus import ZenohBus

Tell = Callable[[str], object]
_VERSIONS: Final = {"5": 5, "3.1.1": 4}


def signals_of(vehicle: Vehicle, transport: str) -> Signals:
    """All leaves of the vehicle's VSS tree, for `transport`. ServiceError for a vehicle without one."""
    if vehicle.mapping is None:
        raise ServiceError(f"{vehicle.name} has no signals to serve: name a VSS tree with `gateway: {{signals: FILE}}`")
    tell = vehicle.service_events.of(vehicle.kernel, transport)
    return Signals(vehicle.kernel, vehicle.gateway.store, vehicle.mapping.tree, tell)


def rules_of(specs: Sequence[SignalRuleSpec]) -> Rules:
    """The file's rules."""
    return Rules(
        [
            SignalRule(
                tuple(spec.paths), EventPolicy(Send(spec.send), spec.epsilon, spec.every, spec.interval), spec.qos
            )
            for spec in specs
        ]
    )


def mqtt_options(file: VehicleFile, text: str) -> MqttOptions:
    """From `mqtt`, `mqtt:[HOST:]PORT`, `mqtt://HOST[:PORT]` or `mqtts://...` and the file's `domains.mqtt`.

    ServiceError for what cannot be.
    """
    spec = file.spec.domains.mqtt
    options = MqttOptions(
        username=spec.username,
        password=_first_line(_path(file, spec.password_file)),
        client_id=spec.name,
        prefix=spec.prefix,
        version=_VERSIONS[spec.version],
        keepalive_s=max(1, spec.keepalive // NS_PER_S),
        rules=rules_of(spec.rules),
    )
    if "://" not in text:
        port = text.removeprefix("mqtt").removeprefix(":")
        try:
            where = address(port) if port else local_broker()
        except LinkError as error:
            raise ServiceError(f"--bus {text}: {error.sentence}") from None
        return replace(options, own=where, version=_VERSIONS["3.1.1"])
    place = mqtt_place(text)
    tls = Tls(_path(file, spec.ca), _path(file, spec.certificate), _path(file, spec.private_key))
    return replace(
        options,
        address=place.address,
        tls=tls if place.secure or spec.tls else None,
        username=place.username or options.username,
        password=place.password or options.password,
    )


@contextlib.asynccontextmanager
async def serve_mqtt_bus(vehicle: Vehicle, options: MqttOptions, tell: Tell) -> AsyncIterator[MqttBus]:
    """Serve the vehicle's signals over MQTT, with a broker of our own where the options want one. ServiceError."""
    from gateway.services.mqtt import serve_mqtt
    from gateway.services.mqtt_broker import own_broker

    signals = signals_of(vehicle, "MQTT")
    name = vehicle.name.replace(" ", "-")
    async with contextlib.AsyncExitStack() as stack:
        if options.own is not None:
            where = await stack.enter_async_context(own_broker(options.own))
            options = replace(options, address=where)
        bus = await stack.enter_async_context(serve_mqtt(signals, options, name, tell))
        if bus.connected.is_set():  # otherwise it was told why not, and will be told when it is
            tell(f"MQTT of {vehicle.name} at {bus.address}")
        yield bus


def zenoh_options(file: VehicleFile, text: str) -> ZenohOptions:
    """From `zenoh` or `zenoh:ENDPOINT` and the file's `domains.zenoh`. ServiceError for an endpoint that is none."""
    spec = file.spec.domains.zenoh
    place = text.removeprefix("zenoh").removeprefix(":")
    connect = (*spec.connect, *([endpoint(place)] if place else ()))
    return ZenohOptions(
        name=spec.name,
        prefix=spec.prefix,
        mode=spec.mode or ("client" if connect else "peer"),
        connect=connect,
        listen=tuple(spec.listen),
        config=_path(file, spec.config),
        take=tuple(spec.take),
        rules=rules_of(spec.rules),
    )


@contextlib.asynccontextmanager
async def serve_zenoh_bus(vehicle: Vehicle, options: ZenohOptions, tell: Tell) -> AsyncIterator[ZenohBus]:
    """Serve the vehicle's signals over Zenoh. ServiceError."""
    from gateway.services.zenoh_bus import serve_zenoh

    async with serve_zenoh(signals_of(vehicle, "Zenoh"), options, vehicle.name.replace(" ", "-"), tell) as bus:
        tell(f"Zenoh of {vehicle.name} as {bus.token}")
        yield bus


def _path(file: VehicleFile, text: str | None) -> Path | None:
    return None if text is None else file.folder / text


def _first_line(path: Path | None) -> str | None:
    if path is None:
        return None
    try:
        return path.read_text(encoding="utf-8").splitlines()[0]
    except IndexError:
        raise ServiceError("is empty: its first line is the password", file=str(path)) from None
    except UnicodeDecodeError as error:
        raise ServiceError(f"is not text in UTF-8 (byte {error.start})", file=str(path)) from None
    except OSError as error:
        raise ServiceError(f"cannot be read: {(error.strerror or str(error)).lower()}", file=str(path)) from None
