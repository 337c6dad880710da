"""A broker of our own (amqtt), in a process of its own: what its clients cost is not the vehicle's time.

    python -m gateway.services.mqtt_broker HOST PORT

It speaks MQTT 3.1.1, writes the port that it has to standard output, and ends when its standard input does, which is
also when whoever started it has died. Anybody who reaches the address may use it: by default that is this machine.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
from collections.abc import AsyncIterator
from typing import Any, Final

from gateway.links.addresses import Address, reason
from gateway.links.errors import LinkError
from gateway.links.wall_time import wall_time_loop
from gateway.services.errors import MissingExtraError, ServiceError

PATIENCE_S: Final = 20.0
"""A broker that has not begun or ended after so long will not."""
_NO_EXTRA: Final = "no extra: "


@contextlib.asynccontextmanager
async def own_broker(address: Address) -> AsyncIterator[Address]:
    """A broker as long as the context lasts; yields its address, with the port where 0 was asked for. ServiceError."""
    _check_loop()
    words = (sys.executable, "-m", "gateway.services.mqtt_broker", address.host, str(address.port))
    pipe = asyncio.subprocess.PIPE
    # In a session of its own: Ctrl-C is meant for the vehicle, which then closes our input.
    process = await asyncio.create_subprocess_exec(*words, stdin=pipe, stdout=pipe, start_new_session=True)
    assert process.stdin is not None and process.stdout is not None
    try:
        try:
            line = (await asyncio.wait_for(process.stdout.readline(), PATIENCE_S)).decode().strip()
        except TimeoutError:
            raise ServiceError(f"the MQTT broker at {address} did not begin within {PATIENCE_S:g} s") from None
        if line.startswith(_NO_EXTRA):
            what = line.removeprefix(_NO_EXTRA)
            raise MissingExtraError(f"--bus mqtt needs {what}: pip install 'vehicle-gateway[mqtt]'")
        if not line.isdecimal():
            raise ServiceError(f"the MQTT broker cannot listen at {address}: {line or 'it ended at once'}")
        yield Address(address.host, int(line))
    finally:
        process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), PATIENCE_S)
        except TimeoutError:
            process.kill()
            await process.wait()


def _check_loop() -> None:
    try:
        wall_time_loop("MQTT")
    except LinkError as error:
        raise ServiceError(error.sentence) from None


async def _serve(host: str, port: int) -> None:
    loop = asyncio.get_running_loop()
    # What a client does wrong is the client's business; amqtt logs it at the level of errors.
    logging.disable(logging.CRITICAL)
    plugins = {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}}
    bind = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    broker = _broker_class()({"listeners": {"default": {"type": "tcp", "bind": bind}}, "plugins": plugins})
    await broker.start()
    instance = broker._servers["default"].instance
    sys.stdout.write(f"{instance.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    await reader.read()
    with contextlib.suppress(Exception):  # it ends anyway
        await asyncio.wait_for(broker.shutdown(), PATIENCE_S / 4)


def _broker_class() -> Any:
    """amqtt's broker without two faults of 0.12: whoever connects gets what is retained for the subscriptions of
    others, and a message that comes right before its sender leaves may be lost."""
    from amqtt.broker import Broker

    class Mended(Broker):  # type: ignore[misc]
        async def _publish_retained_messages_for_subscription(self, subscription: Any, session: Any) -> None:
            subscribers = self._subscriptions.get(subscription[0], [])
            if any(one.client_id == session.client_id for one, _ in subscribers):
                await super()._publish_retained_messages_for_subscription(subscription, session)

        async def _handle_disconnect(self, session: Any, handler: Any, waiter: Any) -> None:
            queue = session.delivered_message_queue
            while not queue.empty():
                delivered = asyncio.get_running_loop().create_future()
                delivered.set_result(queue.get_nowait())
                await self._handle_message_delivery(session, handler, delivered)
            await super()._handle_disconnect(session, handler, waiter)

    return Mended


def _main(host: str, port: int) -> None:
    import os

    try:
        asyncio.run(_serve(host, port))
    except ImportError as error:
        sys.stdout.write(f"{_NO_EXTRA}{error.name or error}\n")
    except Exception as error:  # noqa: BLE001 - amqtt wraps anything; whoever started us tells it
        sys.stdout.write(f"{_cause(error)}\n")
    sys.stdout.flush()
    os._exit(0)  # amqtt leaves tasks behind that would complain


def _cause(error: BaseException) -> str:
    while error.__cause__ is not None:
        error = error.__cause__
    if isinstance(error, OSError) and error.errno:
        return reason(error).lower()
    return " ".join(str(error).split()) or type(error).__name__


if __name__ == "__main__":
    _main(sys.argv[1], int(sys.argv[2]))
