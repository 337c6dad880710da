"""mosquitto with TLS and client certificates: who we are to it is our certificate's common name."""

from __future__ import annotations

import gc
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest
from bus_bench import Car, Mosquitto, in_wall_time, watching, write_vehicle
from bus_certificates import Authority

from gateway.errors import GatewayError
from gateway.vehicle.served.service_bus import mqtt_options, serve_mqtt_bus

Start = Callable[..., Mosquitto]


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    tmp_path.chmod(0o755)
    for folder in tmp_path.parents:
        if folder.name.startswith("pytest-"):
            folder.chmod(0o755)  # mosquitto, started as root, becomes a user of its own
    return Authority(tmp_path)


@pytest.fixture
def secure(mosquitto: Start, authority: Authority, tmp_path: Path) -> Mosquitto:
    """A broker that wants certificates, and lets the gateway alone write below vss."""
    certificate, key = authority.issue("localhost")
    rules = tmp_path / "acl"
    rules.write_text("user gateway-1\ntopic readwrite vss/#\nuser reader\ntopic read vss/#\n")
    rules.chmod(0o644)
    return mosquitto(
        f"cafile {authority.certificate}",
        f"certfile {certificate}",
        f"keyfile {key}",
        "require_certificate true",
        "use_identity_as_username true",
        f"acl_file {rules}",
    )


def domain(tmp_path: Path, **settings: object) -> Path:
    words = ", ".join(f"{key}: {value}" for key, value in settings.items())
    return write_vehicle(tmp_path, f"domains:\n  mqtt: {{{words}}}\n")


def test_with_its_certificate_the_gateway_is_let_in_and_may_write(
    secure: Mosquitto, authority: Authority, tmp_path: Path
) -> None:
    authority.issue("gateway-1")
    certificate, key = authority.issue("reader")
    car = domain(tmp_path, ca="ca.pem", certificate="gateway-1.pem", private_key="gateway-1.key")
    context = ssl.create_default_context(cafile=str(authority.certificate))
    context.load_cert_chain(certificate, key)

    async def story(car: Car) -> None:
        options = mqtt_options(car.file, f"mqtts://127.0.0.1:{secure.port}")
        async with serve_mqtt_bus(car.vehicle, options, car.told.append):
            car.drives(50)
            async with watching(secure.port, tls_context=context) as reader:
                await reader.until("vss/Vehicle/Speed", lambda point: point["value"] == 50)

    in_wall_time(car, story)


@pytest.mark.parametrize("who", ["nobody", "a stranger's authority"])
def test_without_a_certificate_that_the_broker_trusts_nothing_is_served(
    secure: Mosquitto, tmp_path: Path, who: str
) -> None:
    settings = {"ca": "ca.pem"}
    if who != "nobody":
        folder = tmp_path / "stranger"
        folder.mkdir()
        Authority(folder).issue("gateway-1")
        settings |= {"certificate": "stranger/gateway-1.pem", "private_key": "stranger/gateway-1.key"}
    car = domain(tmp_path, **settings)

    async def story(car: Car) -> None:
        options = mqtt_options(car.file, f"mqtts://127.0.0.1:{secure.port}")
        async with serve_mqtt_bus(car.vehicle, options, car.told.append) as bus:
            assert bus.connections == 0
        assert "cannot be reached" in car.told[0]

    in_wall_time(car, story)


@pytest.mark.filterwarnings("ignore:unclosed <ssl.SSLSocket:ResourceWarning")  # paho's, after a failed handshake
def test_a_broker_whose_certificate_is_a_strangers_gets_nothing(secure: Mosquitto, tmp_path: Path) -> None:
    (tmp_path / "stranger").mkdir()
    Authority(tmp_path / "stranger")
    car = domain(tmp_path, ca="stranger/ca.pem")

    async def story(car: Car) -> None:
        options = mqtt_options(car.file, f"mqtts://127.0.0.1:{secure.port}")
        async with serve_mqtt_bus(car.vehicle, options, car.told.append) as bus:
            assert bus.connections == 0
        assert "certificate verify failed" in car.told[0]

    in_wall_time(car, story)
    gc.collect()


def test_a_key_that_is_another_certificates_is_told(secure: Mosquitto, authority: Authority, tmp_path: Path) -> None:
    authority.issue("one")
    authority.issue("two")
    car = domain(tmp_path, ca="ca.pem", certificate="one.pem", private_key="two.key")

    async def story(car: Car) -> None:
        options = mqtt_options(car.file, f"mqtts://127.0.0.1:{secure.port}")
        with pytest.raises(GatewayError, match="one.pem|KEY_VALUES_MISMATCH"):
            async with serve_mqtt_bus(car.vehicle, options, car.told.append):
                pass

    in_wall_time(car, story)


def test_user_and_password(mosquitto: Start, require_tool: Callable[..., str], tmp_path: Path) -> None:
    import subprocess

    passwords = tmp_path / "passwords"
    tool = require_tool("mosquitto_passwd", package="mosquitto")
    subprocess.run([tool, "-b", "-c", str(passwords), "me", "secret"], check=True, capture_output=True)
    passwords.chmod(0o644)
    for folder in (tmp_path, *tmp_path.parents):
        if folder == tmp_path or folder.name.startswith("pytest-"):
            folder.chmod(0o755)
    broker = mosquitto("allow_anonymous false", f"password_file {passwords}")
    (tmp_path / "password").write_text("secret\n")
    car = domain(tmp_path, username="me", password_file="password")

    async def story(car: Car) -> None:
        options = mqtt_options(car.file, f"mqtt://127.0.0.1:{broker.port}")
        async with serve_mqtt_bus(car.vehicle, options, car.told.append) as bus:
            assert bus.connections == 1

    in_wall_time(car, story)
