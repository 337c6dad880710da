"""The section `migrations` of a vehicle file's domains: which service gets which function of which ECU, and when."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from gateway.com import TxMessage, label_of
from gateway.ecu import Ecu
from gateway.errors import GatewayError, nearest
from gateway.orchestrator.events import FleetEvent
from gateway.orchestrator.migration import Canary, FallBack, Limits, Migration, Mode
from gateway.routing import ExpressionError, compile_expression
from gateway.vehicle.errors import VehicleFileError, raise_all
from gateway.vehicle.file.migrations import MigrationSpec
from gateway.vehicle.file.read import VehicleFile
from gateway.vehicle.vehicle import Vehicle


def build_migrations(vehicle: Vehicle, file: VehicleFile) -> dict[str, Migration]:
    """All of them by name, each in its first mode. VehicleFileError with all faults, each with its line."""
    found: dict[str, Migration] = {}
    faults: list[GatewayError] = []
    taken: dict[tuple[str, str], str] = {}
    for name, spec in file.spec.domains.migrations.items():
        try:
            migration = found[name] = _migration(vehicle, name, spec)
            _claim(migration, spec.source.partition(".")[0], name, taken)
            _run(vehicle, name, migration, spec)
        except GatewayError as error:
            faults.append(file.source.error(error.sentence, ("domains", "migrations", name)))
    raise_all(faults)
    return found


def _claim(migration: Migration, ecu: str, name: str, taken: dict[tuple[str, str], str]) -> None:
    """No signal has two successors."""
    for signal in migration.signals:
        other = taken.setdefault((f"{ecu}.{migration.report.message}", signal), name)
        if other != name:
            raise VehicleFileError(f"migrations {other} and {name} both have {migration.report.message}.{signal}")


def _migration(vehicle: Vehicle, name: str, spec: MigrationSpec) -> Migration:
    ecu_name, _, message = spec.source.partition(".")
    if not message:
        raise VehicleFileError(f"from: {spec.source!r} is no message of an ECU: write ECU.Message")
    if ecu_name in vehicle.services:
        raise VehicleFileError(f"from: {ecu_name} is a service already; a migration leads from an ECU to a service")
    old = vehicle.ecu(ecu_name)
    sent = _sent(old, message)
    new = _service(vehicle, spec.service)
    names = tuple(spec.signals) or tuple(signal for signal in sent.signals)
    migration = Migration(
        vehicle.kernel,
        old,
        new,
        message,
        names,
        limits=Limits(deadline_ns=spec.deadline, tolerance=spec.tolerance),
        stream=vehicle.streams.stream(f"migration/{name}"),
    )
    migration.canary = _canary(spec, sent)
    return migration


def _sent(ecu: Ecu, message: str) -> TxMessage:
    known = {name: sent for port in ecu.ports.values() for name, sent in port.tx.items()}
    if message not in known:
        raise VehicleFileError(f"from: {ecu.name} does not send {message!r}{nearest(message, list(known))}")
    return known[message]


def _service(vehicle: Vehicle, name: str) -> Ecu:
    if name not in vehicle.services:
        near = nearest(name, list(vehicle.services)) or ": it must be a unit with `python` of a node"
        raise VehicleFileError(f"to: there is no service {name!r}{near}")
    return vehicle.services[name]


def _canary(migration: MigrationSpec, sent: TxMessage) -> Canary:
    spec = migration.canary
    tries = "canary" in {migration.mode, *(step.mode for step in migration.steps)}
    if tries and not {"share", "when"} & spec.model_fields_set:
        raise VehicleFileError(
            "mode canary needs `share` or `when`, which say how much the service counts: `canary: {share: 0.1}`"
        )
    return Canary(spec.share, spec.span, None if spec.when is None else _condition(spec.when, sent))


def _condition(text: str, sent: TxMessage) -> Callable[[], bool]:
    """A condition on what the ECU would send."""
    try:
        expression = compile_expression(text, list(sent.signals))
    except ExpressionError as error:
        raise VehicleFileError(f"canary: when: {error.sentence}") from None

    def value(name: str) -> int | float | str:
        given = sent.signals[name]
        signal = given.signal
        number = signal.to_physical(signal.to_raw(given.value))
        return (label_of(signal, number) or number) if name in expression.labels else number

    def condition() -> bool:
        try:
            return bool(expression.function(*map(value, expression.names)))
        except ExpressionError:
            return False

    return condition


def _run(vehicle: Vehicle, name: str, migration: Migration, spec: MigrationSpec) -> None:
    """Enter the first mode, and the others when their time has come; the fleet is told."""

    def tell(state: str, text: str = "") -> None:
        if vehicle.fleet is not None:
            vehicle.fleet.tell(FleetEvent(vehicle.kernel.now, "", name, state, text))

    def fell_back(event: FallBack) -> None:
        tell(str(Mode.FALLEN_BACK), f"{event.why}: {event.text}")

    def enter(mode: str) -> None:
        if migration.mode is Mode.FALLEN_BACK:
            tell("stays fallen back", f"it was to be {mode} now")
            return
        match Mode(mode):
            case Mode.CANARY:
                migration.try_out(migration.canary)
            case Mode.CUT_OVER:
                migration.cut_over()
            case _:
                migration.shadow()
        tell(mode)

    migration.on_fall_back = fell_back
    vehicle.kernel.at(0, partial(enter, spec.mode))
    for step in spec.steps:
        vehicle.kernel.at(step.at, partial(enter, step.mode))
