"""Tokens and TLS: who may do what at a broker with a key, with the real kuksa-client; VISS over a WebSocket."""

from __future__ import annotations

import asyncio
import datetime
import json
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("kuksa_client", reason="needs kuksa-client: pip install vehicle-gateway[sdv]")

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from kuksa_client.grpc import Datapoint, VSSClient, VSSClientError
from websockets.asyncio.client import connect

from .keys import NOW, Keys

SPEED = "Vehicle.Speed"
LOCKED = "Vehicle.Cabin.Door.Row1.DriverSide.IsLocked"
UNAUTHENTICATED, PERMISSION_DENIED = 16, 7


@pytest.fixture(scope="module")
def port(start: Callable[..., Any], standing: Path, keys: Keys) -> int:
    words = ("run", standing, "--sdv", "127.0.0.1:0", "--sdv-key", keys.public_file, "--no-serve")
    found: int = start(*words).port("kuksa.val")
    return found


@pytest.fixture
def client(port: int, keys: Keys) -> Iterator[Callable[[str], VSSClient]]:
    opened: list[VSSClient] = []

    def connected(scope: str, **how: Any) -> VSSClient:
        made = VSSClient("127.0.0.1", port, token=keys.token(scope, **how), ensure_startup_connection=False)
        opened.append(made)
        made.connect()
        return made

    yield connected
    for one in opened:
        one.disconnect()


def refused(call: Callable[[], object]) -> int:
    with pytest.raises(VSSClientError) as caught:
        call()
    return int(caught.value.error["code"])


def test_a_scope_lets_in(client: Callable[[str], VSSClient]) -> None:
    reader = client(f"read:{SPEED}")
    assert SPEED in reader.get_current_values([SPEED])
    assert refused(lambda: reader.get_current_values([LOCKED])) == 403
    assert refused(lambda: reader.set_target_values({LOCKED: Datapoint(True)})) == 403
    assert refused(lambda: next(reader.v2_subscribe([LOCKED]))) == PERMISSION_DENIED
    next(reader.v2_subscribe([SPEED]))


def test_a_scope_to_actuate(client: Callable[[str], VSSClient]) -> None:
    driver = client("actuate:Vehicle.Cabin.Door read:Vehicle")
    driver.set_target_values({LOCKED: Datapoint(True)})
    assert refused(lambda: driver.set_current_values({LOCKED: Datapoint(True)})) == PERMISSION_DENIED


def test_without_a_token(port: int) -> None:
    with VSSClient("127.0.0.1", port) as nobody:
        assert nobody.get_server_info().name == "vehicle-gateway"
        assert refused(lambda: nobody.get_current_values([SPEED])) == UNAUTHENTICATED
        assert refused(lambda: next(nobody.v2_subscribe([SPEED]))) == UNAUTHENTICATED


def test_a_token_is_given_later(port: int, keys: Keys) -> None:
    with VSSClient("127.0.0.1", port) as client:
        client.authorize(keys.token("read"))
        assert SPEED in client.get_current_values([SPEED])
        assert refused(lambda: client.authorize("no.token.atall")) == UNAUTHENTICATED


def test_bad_tokens(client: Callable[..., VSSClient], port: int) -> None:
    for one in (client("read", lives_s=-10), client("read", audience="someone.else"), client("lesen")):
        assert refused(lambda one=one: one.get_current_values([SPEED])) == UNAUTHENTICATED  # type: ignore[misc]
    stranger = rsa.generate_private_key(65537, 2048)
    claims = {"aud": ["kuksa.val"], "scope": "read", "exp": NOW + datetime.timedelta(hours=1)}
    forged = VSSClient("127.0.0.1", port, token=jwt.encode(claims, stranger, "RS256"), ensure_startup_connection=False)
    forged.connect()
    assert refused(lambda: forged.get_current_values([SPEED])) == UNAUTHENTICATED
    forged.disconnect()


# TLS and VISS


@pytest.fixture(scope="module")
def secured(start: Callable[..., Any], standing: Path, keys: Keys) -> Any:
    text = standing.read_text(encoding="utf-8")
    own = standing.with_name("secured.yaml")
    section = f"domains:\n  sdv: {{certificate: {keys.certificate_file}, private_key: {keys.certificate_key_file}}}\n"
    own.write_text(f"{text}\n{section}", encoding="utf-8")
    return start("run", own, "--sdv", "127.0.0.1:0", "--viss", "127.0.0.1:0", "--no-serve")


def test_tls(secured: Any, keys: Keys) -> None:
    port = secured.port("kuksa.val")
    with VSSClient("127.0.0.1", port, root_certificates=keys.certificate_file, tls_server_name="localhost") as client:
        assert SPEED in client.get_current_values([SPEED])
    plain = VSSClient("127.0.0.1", port, ensure_startup_connection=False)
    plain.connect()
    assert refused(plain.get_server_info) == 14  # UNAVAILABLE: no plain text here
    plain.disconnect()


def test_viss_over_tls(secured: Any, keys: Keys) -> None:
    async def main() -> None:
        trust = ssl.create_default_context(cafile=str(keys.certificate_file))
        address = f"wss://127.0.0.1:{secured.port('VISS')}"
        async with connect(address, ssl=trust, subprotocols=["VISSv2"]) as socket:  # type: ignore[list-item]
            assert socket.subprotocol == "VISSv2"
            await socket.send(json.dumps({"action": "subscribe", "path": LOCKED, "requestId": "1"}))
            answer = json.loads(await socket.recv())
            assert answer["requestId"] == "1" and "subscriptionId" in answer
            await socket.send(json.dumps({"action": "set", "path": LOCKED, "value": "true", "requestId": "2"}))
            while True:
                event = json.loads(await socket.recv())
                if event["action"] == "subscription" and event["data"]["dp"].get("value") == "true":
                    return

    asyncio.run(asyncio.wait_for(main(), 60))


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--sdv", "nowhere"], "is not an address|No such|cannot be read|Got unexpected"),
        (["--sdv", "127.0.0.1:0", "--sdv-key", "missing.pub"], "missing.pub: the key cannot be read"),
        (["--sdv", "127.0.0.1:0", "--clock", "virtual"], "cannot follow virtual time"),
        (["--sdv", "192.0.2.1:55555"], "cannot listen at 192.0.2.1:55555"),
    ],
)
def test_what_cannot_be_served_is_told(
    start: Callable[..., Any], standing: Path, words: list[str], sentence: str
) -> None:
    gateway = start("run", standing, "--no-serve", "--for", "1s", *words)
    assert gateway.process.wait(60) == 2
    with gateway._heard:
        gateway._heard.wait_for(lambda: any("gateway:" in line or "Error" in line for line in gateway.told), 10)
    import re

    assert re.search(sentence, "".join(gateway.told)), gateway.told
