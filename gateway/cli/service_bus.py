"""`--bus`: the signals of a vehicle on a service bus."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Annotated

import typer

from gateway.vehicle import Service, Vehicle, VehicleFile

Bus = Annotated[
    list[str] | None,
    typer.Option(
        "--bus",
        metavar="mqtt[:[HOST:]PORT]|mqtt://HOST[:PORT]|zenoh[:ENDPOINT]",
        help="The signals over MQTT (mqtt: a broker of our own, at 127.0.0.1:1883 unless told; mqtt://HOST: yours) or"
        " Zenoh; may be repeated.",
    ),
]


def bus_services(file: VehicleFile, texts: list[str] | None) -> tuple[Service, ...]:
    """The services that are asked for. `typer.BadParameter` for what is none; GatewayError for what cannot be."""
    return tuple(_service(file, text) for text in texts or ())


def service_buses(texts: list[str] | None) -> dict[str, str]:
    """By its name for people, what each was asked for with."""
    return {"Zenoh" if text.startswith("zenoh") else "MQTT": text for text in texts or ()}


def _service(file: VehicleFile, text: str) -> Service:
    kind = text.partition(":")[0]
    if kind in ("mqtt", "mqtts"):
        return _mqtt(file, text)
    if kind == "zenoh":
        return _zenoh(file, text)
    raise typer.BadParameter(
        f"--bus {text}: write mqtt, mqtt:[HOST:]PORT, mqtt://HOST[:PORT], mqtts://HOST[:PORT], zenoh or zenoh:ENDPOINT"
    )


def _mqtt(file: VehicleFile, text: str) -> Service:
    from gateway.cli.free_address import try_address
    from gateway.cli.serving import tell
    from gateway.vehicle.served.service_bus import mqtt_options, serve_mqtt_bus

    options = mqtt_options(file, text)
    if options.own is not None:
        way_out = f"--bus mqtt:PORT begins one elsewhere, --bus mqtt://{options.own} joins the broker that is there"
        try_address(options.own, "the MQTT broker cannot listen at", way_out)

    @contextlib.asynccontextmanager
    async def service(vehicle: Vehicle) -> AsyncIterator[None]:
        async with serve_mqtt_bus(vehicle, options, tell):
            yield

    return service


def _zenoh(file: VehicleFile, text: str) -> Service:
    from gateway.cli.serving import tell
    from gateway.vehicle.served.service_bus import serve_zenoh_bus, zenoh_options

    options = zenoh_options(file, text)

    @contextlib.asynccontextmanager
    async def service(vehicle: Vehicle) -> AsyncIterator[None]:
        async with serve_zenoh_bus(vehicle, options, tell):
            yield

    return service
