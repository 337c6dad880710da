"""The vehicle file's own words: what may stand where, with which units. Its JSON schema is made from this file."""

from __future__ import annotations

import re
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from gateway.sim import DurationError, duration_ns

_RATE: Final = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)\s*([kKM]?)(?:bit/s|bps)?")
_INTEGER: Final = re.compile(r"[-+]?(0|[1-9][0-9]{0,99})|0x[0-9a-fA-F]{1,99}")
_DECIMAL: Final = re.compile(r"[-+]?[0-9]{1,99}\.[0-9]{1,99}")
_RATE_UNITS: Final = {"": 1, "k": 1_000, "K": 1_000, "M": 1_000_000}


def bit_rate(text: object) -> int:
    """`500k`, `2M`, `83.333k` or a plain number in bit/s. ValueError for anything else."""
    found = _RATE.fullmatch(str(text).strip())
    if found is None or isinstance(text, bool):
        raise ValueError(f"{text!r} is not a bit rate: write it like 500k, 2M or 125000")
    return round(float(found[1]) * _RATE_UNITS[found[2]])


def _duration(text: object) -> int:
    try:
        return duration_ns(str(text))
    except DurationError as error:
        raise ValueError(error.sentence) from None


def _one_or_more(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _table(value: object) -> object:
    """YAML's keys are words here; a table's keys may be numbers as well."""
    if not isinstance(value, dict):
        return value
    return {_number_or_word(key): item for key, item in value.items()}


def _number_or_word(key: Any) -> Any:
    if isinstance(key, str) and _INTEGER.fullmatch(key):
        return int(key, 0)
    if isinstance(key, str) and _DECIMAL.fullmatch(key):
        return float(key)
    return key


BitRate = Annotated[
    int,
    BeforeValidator(bit_rate),
    WithJsonSchema({"type": ["string", "integer"], "pattern": _RATE.pattern, "examples": ["500k", "2M", 125000]}),
]
Duration = Annotated[
    int,
    BeforeValidator(_duration),
    WithJsonSchema(
        {"type": "string", "pattern": r"^\s*[\d.]+\s*(ns|us|µs|ms|s|min|h)\s*$", "examples": ["10ms", "1.5s"]}
    ),
]
"""Nanoseconds; in the file a number with its unit."""
OneOrMore = Annotated[list[str], BeforeValidator(_one_or_more)]
Scalar = bool | int | float | str
Table = Annotated[dict[int | float | str, Scalar], BeforeValidator(_table)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


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

    interface: str = Field("socketcan", description="Any interface of python-can")
    channel: str | int = Field(description="Its channel, like vcan0")
    bitrate: BitRate | None = Field(None, description="Of the adapter; the bus's own if absent")
    data_bitrate: BitRate | None = Field(None, description="CAN FD: of the data phase; the bus's own if absent")
    options: dict[str, Scalar] = Field(default_factory=dict, description="What else its interface of python-can takes")


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


class UnitSpec(_Section):
    """A unit of a node, inline: a whole unit file, or what it is and what it needs."""

    text: str | None = Field(None, description="A whole unit file in systemd's syntax")
    ecu: str | None = Field(None, description="It is this ECU of the vehicle")
    routes: list[int] | None = Field(None, description="It is these routes of the gateway, counted from 1")
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


class DomainsSpec(_Section):
    """What applications see of the vehicle."""

    nodes: dict[str, NodeSpec] = Field(default_factory=dict, description="Computers and their units")

    sdv: SdvSpec = Field(default_factory=lambda: SdvSpec.model_validate({}))
    aaos: AaosSpec = Field(default_factory=lambda: AaosSpec.model_validate({}))


class VehicleSpec(_Section):
    """A vehicle."""

    vehicle: str = Field(description="Its name", pattern=r"^[A-Za-z0-9][\w .-]*$")
    buses: dict[str, BusSpec] = Field(min_length=1)
    ecus: dict[str, EcuSpec] = Field(default_factory=dict)
    protect: dict[str, ProtectSpec] = Field(default_factory=dict, description="By bus.Message")
    drive: str | None = Field(None, description="Drive cycle: a CSV file with the columns time_s and ECU.input")
    gateway: GatewaySpec = Field(default_factory=lambda: GatewaySpec.model_validate({}))
    links: dict[str, LinkSpec] = Field(default_factory=dict)
    domains: DomainsSpec = Field(default_factory=lambda: DomainsSpec.model_validate({}))


def json_schema() -> dict[str, Any]:
    """The JSON schema of the vehicle file, for editors."""
    schema = VehicleSpec.model_json_schema(by_alias=True)
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "vehicle-gateway vehicle file"
    return schema
