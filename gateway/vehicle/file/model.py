"""The vehicle file's own words: what may stand where, with which units. Its JSON schema is made from this file."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from gateway.vehicle.file.migrations import MigrationSpec
from gateway.vehicle.file.service_bus import MqttSpec, ZenohSpec
from gateway.vehicle.file.services import ServicesSpec
from gateway.vehicle.file.words import BitRate, DataId, Duration, OneOrMore, PduId, Scalar, Table
from gateway.vehicle.file.words import Section as _Section


class SlotSpec(_Section):
    """A slot of a LIN schedule table."""

    frame: str = Field(description="A frame, MasterReq or SlaveResp")
    delay: Duration = Field(description="From its start to the next slot")


class BusSpec(_Section):
    """A bus."""

    kind: Literal["can", "canfd", "lin"] = Field(
        "can", description="CAN, CAN FD (which carries classic frames as well), or LIN"
    )
    bitrate: BitRate = Field(500_000, description="Nominal bit rate in bit/s")
    data_bitrate: BitRate | None = Field(
        None, description="CAN FD: bit rate of the data phase; the nominal one if absent"
    )
    database: OneOrMore = Field(
        default_factory=list, description="Files that describe its messages (DBC, KCD, SYM, ARXML; LDF for LIN)"
    )
    restbus: bool = Field(True, description="Simulate the nodes of its database that are not under `ecus`")
    schedule: str | None = Field(None, description="LIN: the schedule table to begin with; the first one if absent")
    commander: str | None = Field(None, description="LIN: the ECU that is the commander; the LDF's if absent")
    schedules: dict[str, list[SlotSpec]] = Field(
        default_factory=dict, description="LIN: schedule tables besides those of the LDF"
    )


class EcuSpec(_Section):
    """An ECU that is more than rest bus."""

    on: OneOrMore = Field(default_factory=list, description="The buses that it is on")
    behaviour: str | None = Field(None, description="FILE:CLASS, relative to this file")
    node: str | None = Field(None, description="Its name in the databases, when it is another")
    boot: Duration | None = Field(None, description="From power on to the first frame; drawn from the seed if absent")


class ProtectSpec(_Section):
    """Counter and checksum of a message, put in by whoever sends it."""

    counter: str | None = Field(None, description="The signal that counts")
    checksum: str | None = Field(None, description="The signal that holds the checksum")
    algorithm: str = Field("crc8-j1850", description="crc8-j1850, crc8-h2f, xor8 or sum8")
    e2e: Literal["P01", "P02", "P04", "P05", "P06", "P07"] | None = Field(
        None, description="AUTOSAR end-to-end profile, instead of counter and checksum; receivers check it"
    )
    data_id: DataId | None = Field(None, description="E2E: data identifier; P02: a list of 16 bytes")
    data_id_mode: Literal["both", "alternating", "low", "nibble"] = Field("both", description="E2E P01")
    offset: int = Field(0, ge=0, description="E2E: bytes before the header")
    max_delta: int = Field(1, ge=1, description="E2E: so far the counter may jump")


class RouteSpec(_Section):
    """A route of a frame or of a signal."""

    source: str = Field(alias="from", description="bus.Message, bus.0xID, bus.* or bus.Message.Signal")
    target: str = Field(alias="to", description="bus, bus.Message, bus.0xID or bus.Message.Signal")
    scale: float = Field(1, allow_inf_nan=False, description="Signal: multiplied with")
    offset: float = Field(0, allow_inf_nan=False, description="Signal: added after scaling")
    map: Table | None = Field(None, description="Signal: value or label of the source to that of the target")
    send: Literal["cyclic", "on_change", "each"] | None = Field(
        None, description="Signal: when the target message goes out"
    )
    when: str | None = Field(None, description="Condition on the signals of the source message, like `Speed > 5`")
    every: Duration = Field(0, description="At most one in each span of so long")
    latency: Duration | None = Field(None, description="Instead of the gateway's")
    timeout: Duration | None = Field(None, description="Signal: without the source for so long it is stale")
    on_timeout: Scalar | None = Field(None, description="Signal: what the target gets when the source is stale")


class GatewaySpec(_Section):
    """The gateway."""

    name: str = Field("GW", description="Its node name in the databases")
    latency: Duration = Field(0, description="From the end of a frame to its handing over to the other bus")
    queue: int = Field(64, ge=1, le=64, description="Frames that may wait towards one bus")
    routes: list[RouteSpec] = Field(default_factory=list)
    signals: str | None = Field(None, description="CAN to VSS and back: a VSS tree with dbc2vss and vss2dbc")
    overlays: OneOrMore = Field(default_factory=list, description="vspec files that add to the VSS tree or change it")
    defaults: str | None = Field(None, description="Start values of signals that are sent for actuators (JSON)")


class LinkSpec(_Section):
    """A bus that is not simulated, or not only: what python-can opens."""

    interface: str = Field("socketcan", description="acf, pdu, or any interface of python-can")
    channel: str | int = Field(description="Its channel, like vcan0")
    bitrate: BitRate | None = Field(None, description="Of the adapter; the bus's own if absent")
    data_bitrate: BitRate | None = Field(None, description="CAN FD: of the data phase; the bus's own if absent")
    options: dict[str, Scalar] = Field(default_factory=dict, description="What else its interface takes")
    pdus: dict[str, PduId] = Field(
        default_factory=dict, description="pdu: PDU identifiers by message or 0xID; those of CAN if absent"
    )


class SdvSpec(_Section):
    """The SDV domain: what `--sdv` and `--viss` serve."""

    key: str | None = Field(None, description="Public key (PEM) of the tokens that clients must have; none: all may")
    certificate: str | None = Field(None, description="TLS: the server's certificate (PEM)")
    private_key: str | None = Field(None, description="TLS: the certificate's private key (PEM)")


class AaosSpec(_Section):
    """The vehicle HAL: what `--aaos` serves."""

    properties: OneOrMore = Field(
        default_factory=list, description="Property files of the reference implementation (JSON), besides the map's"
    )
    map: str | None = Field(None, description="VSS to vehicle properties (YAML); the map of this program if absent")
    clients: dict[str, OneOrMore] = Field(
        default_factory=dict,
        description="By client identity: its permissions, like android.car.permission.CAR_SPEED; none: all may",
    )
    certificate: str | None = Field(None, description="TLS: the server's certificate (PEM)")
    private_key: str | None = Field(None, description="TLS: the certificate's private key (PEM)")
    client_ca: str | None = Field(None, description="TLS: clients must have a certificate of this authority (PEM)")


class UnitSpec(_Section):
    """A unit of a node, inline: a whole unit file, or what it is and what it needs."""

    text: str | None = Field(None, description="A whole unit file in systemd's syntax")
    ecu: str | None = Field(None, description="It is this ECU of the vehicle")
    routes: list[int] | None = Field(None, description="It is these routes of the gateway, counted from 1")
    systemd: str | None = Field(None, description="It is this unit of the node's systemd, like nginx.service")
    python: str | None = Field(None, description="It is a service of the simulation: FILE:CLASS")
    on: OneOrMore = Field(default_factory=list, description="python: the buses that it is on")
    run: str | None = Field(None, description="It is this command line")
    type: Literal["simple", "exec", "oneshot", "notify"] = Field("notify", description="When it counts as started")
    restart: str = Field("no", description="As systemd's Restart=")
    requires: OneOrMore = Field(default_factory=list)
    wants: OneOrMore = Field(default_factory=list)
    binds_to: OneOrMore = Field(default_factory=list)
    after: OneOrMore = Field(default_factory=list)
    before: OneOrMore = Field(default_factory=list)
    ready_after: str | None = Field(None, description="Simulated: 20ms, or 20ms..80ms drawn from the seed")
    exit_after: str | None = Field(None, description="Simulated: ends by itself so long after its start")
    fail_starts: int | None = Field(None, description="Simulated: so many first starts fail")


class NodeSpec(_Section):
    """A computer that runs units."""

    files: str | None = Field(None, description="A folder with unit files")
    units: dict[str, UnitSpec] = Field(default_factory=dict)
    target: str | None = Field(None, description="Started at power on; default.target where there is one")
    latency: Duration = Field(200_000, description="To the controller")
    depends_on: OneOrMore = Field(default_factory=list, description="Nodes that its units may depend on; * for all")
    external: bool = Field(False, description="A real agent joins as this node")
    processes: bool = Field(False, description="Its programs are real processes of this machine (needs wall time)")
    systemd: str | None = Field(
        None, description="The bus of a real systemd whose units its units may be: system, session or an address"
    )


class DomainsSpec(_Section):
    """What applications see of the vehicle."""

    nodes: dict[str, NodeSpec] = Field(default_factory=dict, description="Computers and their units")
    migrations: dict[str, MigrationSpec] = Field(
        default_factory=dict, description="Functions of ECUs that move to services of the nodes"
    )

    sdv: SdvSpec = Field(default_factory=lambda: SdvSpec.model_validate({}))
    aaos: AaosSpec = Field(default_factory=lambda: AaosSpec.model_validate({}))
    mqtt: MqttSpec = Field(default_factory=lambda: MqttSpec.model_validate({}))
    zenoh: ZenohSpec = Field(default_factory=lambda: ZenohSpec.model_validate({}))


class VehicleSpec(_Section):
    """A vehicle."""

    vehicle: str = Field(description="Its name", pattern=r"^[A-Za-z0-9][\w .-]*$")
    buses: dict[str, BusSpec] = Field(min_length=1)
    ecus: dict[str, EcuSpec] = Field(default_factory=dict)
    protect: dict[str, ProtectSpec] = Field(default_factory=dict, description="By bus.Message")
    drive: str | None = Field(None, description="Drive cycle: a CSV file with the columns time_s and ECU.input")
    gateway: GatewaySpec = Field(default_factory=lambda: GatewaySpec.model_validate({}))
    links: dict[str, LinkSpec] = Field(default_factory=dict)
    services: ServicesSpec | None = Field(None, description="SOME/IP: services that are offered and consumed")
    domains: DomainsSpec = Field(default_factory=lambda: DomainsSpec.model_validate({}))


def json_schema() -> dict[str, Any]:
    """The JSON schema of the vehicle file, for editors."""
    schema = VehicleSpec.model_json_schema(by_alias=True)
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "vehicle-gateway vehicle file"
    return schema
