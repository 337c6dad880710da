"""`--metrics` and `--otlp`: figures for Prometheus, traces for OpenTelemetry."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Annotated

import typer

from gateway.vehicle import Service, Vehicle

Metrics = Annotated[
    str | None,
    typer.Option("--metrics", metavar="[[HOST:]PORT]", help="Figures for Prometheus at /metrics; 127.0.0.1:9464."),
]
Otlp = Annotated[
    str | None,
    typer.Option("--otlp", metavar="URL", help="Traces of frames to OpenTelemetry, like http://127.0.0.1:4318."),
]


def metrics_services(metrics: str | None, otlp: str | None) -> tuple[Service, ...]:
    """The service that is asked for. LinkError for an address that is none, ServiceError for a URL that is none."""
    if metrics is None and otlp is None:
        return ()
    from gateway.cli.free_address import free_address
    from gateway.cli.serving import tell
    from gateway.services.metrics_traces import traces_url
    from gateway.vehicle.served.metrics import serve_metrics

    where = None if metrics is None else free_address(metrics, "metrics cannot be served at", "--metrics")
    url = None if otlp is None else traces_url(otlp)

    @contextlib.asynccontextmanager
    async def service(vehicle: Vehicle) -> AsyncIterator[None]:
        async with serve_metrics(vehicle, where, url) as served:
            if served.address is not None:
                tell(f"metrics of {vehicle.name} at http://{served.address}/metrics")
            if url is not None:
                tell(f"traces of {vehicle.name} go to {url}")
            yield
        if served.sender is not None and served.sender.lost:
            tell(
                f"traces: {served.sender.sent} spans were sent, {served.sender.lost} were lost: {url} did not take them"
            )

    return (service,)
