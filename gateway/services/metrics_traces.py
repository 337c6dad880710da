"""Traces in OpenTelemetry's protocol (OTLP over HTTP, protobuf): the spans of one thing's way, sent in the background.

The spans are made here with times of their own; the SDK's exporter sends them, in a thread, one batch at a time. A
collector that does not answer costs the vehicle nothing: batches that come meanwhile are dropped and counted.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from gateway.services.errors import ServiceError, need_extra
from gateway.sim import Stream

if TYPE_CHECKING:
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import ReadableSpan

TRACES_PATH: Final = "/v1/traces"
TIMEOUT_S: Final = 5


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time with a name. `fault`: why it did not go well; times in nanoseconds since 1970."""

    name: str
    start_ns: int
    end_ns: int
    attributes: Mapping[str, str | int | float | bool] = field(default_factory=dict)
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Trace:
    """A root span and its parts."""

    root: Span
    parts: Sequence[Span] = ()


def traces_url(text: str) -> str:
    """The address for traces: a collector's, with OTLP's path where none is written. ServiceError for no URL."""
    scheme, colons, rest = text.partition("://")
    if scheme not in {"http", "https"} or not colons or not rest:
        raise ServiceError(f"--otlp {text}: write a URL, like http://127.0.0.1:4318")
    host, slash, path = rest.partition("/")
    return f"{scheme}://{host}{TRACES_PATH}" if not slash or not path else text


class TraceSender:
    """Sends traces to a collector. `sent` and `lost` count spans. ServiceError without the extra."""

    def __init__(self, url: str, resource: Mapping[str, str | int], ids: Stream) -> None:
        try:
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
            from opentelemetry.sdk.resources import Resource
        except ImportError as error:
            raise need_extra("OpenTelemetry (--otlp)", "metrics", error) from None
        # What it could not send is counted and told by us; its own log would fall into the view of the run.
        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
        self.sent = 0
        self.lost = 0
        self._exporter = OTLPSpanExporter(endpoint=url, timeout=TIMEOUT_S)
        self._resource: Resource = Resource(dict(resource))
        self._ids = ids
        self._sending: asyncio.Task[None] | None = None

    def send(self, traces: Sequence[Trace]) -> None:
        """Send in the background, or drop: one batch is under way at a time."""
        spans = [span for trace in traces for span in self._spans(trace)]
        if not spans:
            return
        if self._sending is not None and not self._sending.done():
            self.lost += len(spans)
            return
        self._sending = asyncio.create_task(self._export(spans), name="traces")

    async def close(self) -> None:
        """End: what is under way is sent, but not tried again."""
        self._exporter.shutdown()  # type: ignore[no-untyped-call]
        if self._sending is not None:
            await asyncio.gather(self._sending, return_exceptions=True)

    async def _export(self, spans: list[ReadableSpan]) -> None:
        from opentelemetry.sdk.trace.export import SpanExportResult

        result = await asyncio.to_thread(self._exporter.export, spans)
        if result is SpanExportResult.SUCCESS:
            self.sent += len(spans)
        else:
            self.lost += len(spans)

    def _spans(self, trace: Trace) -> list[ReadableSpan]:
        from opentelemetry.trace import SpanContext, TraceFlags

        trace_id = self._id(128)
        flags = TraceFlags(TraceFlags.SAMPLED)
        contexts = [
            SpanContext(trace_id, self._id(64), is_remote=False, trace_flags=flags) for _ in (trace.root, *trace.parts)
        ]
        root = self._span(trace.root, contexts[0], None)
        return [
            root,
            *(self._span(part, context, contexts[0]) for part, context in zip(trace.parts, contexts[1:], strict=True)),
        ]

    def _id(self, bits: int) -> int:
        return self._ids.randrange(1, 1 << bits)

    def _span(self, span: Span, context: object, parent: object) -> ReadableSpan:
        from opentelemetry.sdk.trace import ReadableSpan
        from opentelemetry.sdk.util.instrumentation import InstrumentationScope
        from opentelemetry.trace import SpanKind, Status, StatusCode

        return ReadableSpan(
            name=span.name,
            context=context,  # type: ignore[arg-type]
            parent=parent,  # type: ignore[arg-type]
            resource=self._resource,
            attributes=dict(span.attributes),
            kind=SpanKind.INTERNAL,
            status=Status(StatusCode.ERROR, span.fault) if span.fault else Status(StatusCode.UNSET),
            start_time=span.start_ns,
            end_time=span.end_ns,
            instrumentation_scope=InstrumentationScope("vehicle-gateway"),
        )
