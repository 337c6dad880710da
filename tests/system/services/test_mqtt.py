"""Signals at mosquitto: told, asked for, refused; brokers that are killed and that hang."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import aiomqtt
import pytest
from bus_bench import Car, Mosquitto, in_wall_time, until, watching, write_vehicle
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from gateway.routing import Quality
from gateway.services.errors import ServiceError
from gateway.services.mqtt import MqttBus
from gateway.vehicle.served.service_bus import mqtt_options, serve_mqtt_bus

Start = Callable[..., Mosquitto]
SPEED, MODE, LAMP = "vss/Vehicle/Speed", "vss/Vehicle/Mode", "vss/Vehicle/Lamp"
STATE = "vss/gateways/small-car"
OPEN = "allow_anonymous true"
KILLS = 5


def serving(car: Car, url: str) -> AbstractAsyncContextManager[MqttBus]:
    return serve_mqtt_bus(car.vehicle, mqtt_options(car.file, url), car.told.append)


def at(broker: Mosquitto) -> str:
    return f"mqtt://127.0.0.1:{broker.port}"


def is_good(value: object) -> Callable[[Any], bool]:
    return lambda point: point["value"] == value and point["quality"] == "good"


def test_signals_are_retained_with_value_time_and_quality(car: Path, mosquitto: Start) -> None:
    broker = mosquitto(OPEN)

    async def story(car: Car) -> None:
        async with serving(car, at(broker)):
            car.drives(12.5)
            async with watching(broker.port) as first:
                await first.until(SPEED, is_good(12.5))
            async with watching(broker.port) as late:
                point = await late.until(SPEED, is_good(12.5))
                assert late.last[SPEED].retain
                assert set(point) == {"value", "time", "quality"}
                await late.until(MODE, is_good("ECO"))
                await late.until("vss/Vehicle/Length", is_good(4200))
                await late.until(STATE, lambda state: state == {"state": "online"})
                # The car has said all it had to say: three cycles later nobody takes it for fresh.
                await late.until(SPEED, lambda point: point["quality"] == "stale")

    in_wall_time(car, story)


def test_a_request_goes_down_over_can_and_is_answered(car: Path, mosquitto: Start) -> None:
    broker = mosquitto(OPEN)

    async def story(car: Car) -> None:
        async with serving(car, at(broker)) as bus, watching(broker.port) as client:
            assert await client.set(LAMP, "42") == {"ok": True}
            assert await car.lamps.get() == 42
            assert await client.set(LAMP, '{"value": 43}') == {"ok": True}
            assert await car.lamps.get() == 43
            for topic, payload, reason in (
                (LAMP, "101", "Vehicle.Lamp cannot be 101"),
                (LAMP, "22.5", "Vehicle.Lamp cannot be 22.5"),
                (LAMP, "true", "Vehicle.Lamp cannot be True"),
                (LAMP, "much", "is no JSON"),
                (SPEED, "5", "is a sensor, no actuator"),
                ("vss/Vehicle/Seat", "5", "nobody drives Vehicle.Seat"),
                ("vss/Vehicle/Lamb", "5", "did you mean 'Vehicle.Lamp'?"),
                ("vss/Vehicle", "5", "is a branch"),
            ):
                answer = await client.set(topic, payload)
                assert answer["ok"] is False
                assert reason in answer["reason"]
            assert (bus.requests, car.lamps.qsize()) == (10, 0)

    in_wall_time(car, story)


def test_an_answer_goes_where_the_request_of_mqtt_5_says(car: Path, mosquitto: Start) -> None:
    broker = mosquitto(OPEN)

    async def story(car: Car) -> None:
        async with serving(car, at(broker)) as bus:
            await bus.connected.wait()
            client = aiomqtt.Client("127.0.0.1", broker.port, protocol=aiomqtt.ProtocolVersion.V5)
            async with client:
                await client.subscribe([("me/answers", 1), (f"{LAMP}/set/answer", 1)])
                answers = client.messages.__aiter__()
                for payload, expected in (
                    ("42", {"ok": True}),
                    ('{"value": 43, "id": "a-1"}', {"ok": True, "id": "a-1"}),
                    ("{}", None),
                ):
                    await client.publish(f"{LAMP}/set", payload, properties=responding("me/answers", b"\x07"))
                    answer = await anext(answers)
                    assert (str(answer.topic), answer.properties.CorrelationData) == ("me/answers", b"\x07")
                    told = json.loads(answer.payload)
                    assert told == expected or (expected is None and "is an object without a value" in told["reason"])
                # What the gateway may publish is not for others to decide.
                await client.publish(f"{LAMP}/set", "44", properties=responding("vss/Vehicle/Speed", b"\x08"))
                answer = await anext(answers)
                assert (str(answer.topic), answer.properties.CorrelationData) == (f"{LAMP}/set/answer", b"\x08")

    in_wall_time(car, story)


def responding(topic: str, correlation: bytes) -> Properties:
    properties = Properties(PacketTypes.PUBLISH)
    properties.ResponseTopic = topic
    properties.CorrelationData = correlation
    return properties


def test_a_wish_that_the_broker_has_kept_does_not_come_true_later(car: Path, mosquitto: Start) -> None:
    broker = mosquitto(OPEN)

    async def story(car: Car) -> None:
        async with watching(broker.port) as client:
            await client.client.publish(f"{LAMP}/set", "99", qos=1, retain=True)
            async with serving(car, at(broker)) as bus:
                assert await client.set(LAMP, "1") == {"ok": True}
                assert await car.lamps.get() == 1
                assert (bus.dropped, bus.requests) == (1, 1)

    in_wall_time(car, story)


def test_rules_say_how_surely_and_how_often(tmp_path: Path, mosquitto: Start) -> None:
    broker = mosquitto(OPEN)
    rules = "{paths: Vehicle.Speed, qos: 1, epsilon: 5, every: 20s}, {paths: Vehicle.Mode, qos: 2, every: 0s}"
    car = write_vehicle(tmp_path, f"domains:\n  mqtt: {{prefix: fleet/car-1, name: one, rules: [{rules}]}}\n")

    async def story(car: Car) -> None:
        async with serving(car, at(broker)), watching(broker.port, "fleet/#") as client:
            for speed in (10, 12, 14, 16, 18):
                car.drives(speed)
                await asyncio.sleep(0)
            speed = await client.until("fleet/car-1/Vehicle/Speed", is_good(16))
            assert speed["quality"] == "good"
            speeds = [point["value"] for topic, point in client.history if topic.endswith("Speed")]
            assert set(speeds) <= {10, 16}
            told = client.last["fleet/car-1/Vehicle/Speed"]
            assert told.qos == 1
            # MQTT 5: the broker itself drops what is not told again for three cycles.
            assert 0 < told.properties.MessageExpiryInterval <= 60  # type: ignore[union-attr]
            await client.until("fleet/car-1/Vehicle/Mode", is_good("ECO"))
            assert client.last["fleet/car-1/Vehicle/Mode"].qos == 2
            assert not hasattr(client.last["fleet/car-1/Vehicle/Mode"].properties, "MessageExpiryInterval")
            await client.until("fleet/car-1/gateways/one", lambda state: state["state"] == "online")

    in_wall_time(car, story)


def test_a_broker_killed_again_and_again_gets_everything_anew(car: Path, mosquitto: Start) -> None:
    broker = mosquitto(OPEN)

    async def story(car: Car) -> None:
        speed = car.vehicle.gateway.store["Vehicle.Speed"]
        async with serving(car, at(broker)) as bus:
            for number in range(KILLS):
                car.drives(100 + number)
                async with watching(broker.port) as client:
                    await client.until(SPEED, is_good(100 + number))
                broker.kill()
                await until(lambda: not bus.connected.is_set())
                # While it is away the speed becomes old: the broker may still know it as good from before.
                await until(lambda: speed.datapoint.quality is Quality.STALE)
                broker.start()
                await bus.connected.wait()
                async with watching(broker.port) as client:
                    await client.until(STATE, lambda state: state["state"] == "online")
                    await client.until(SPEED, lambda point: point["quality"] == "stale")
                    assert await client.set(LAMP, str(number)) == {"ok": True}
                    assert await car.lamps.get() == number
            assert bus.connections == KILLS + 1
        assert sum("is lost" in line for line in car.told) == KILLS
        assert sum("is there" in line for line in car.told) == KILLS

    in_wall_time(car, story)


def test_a_broker_that_hangs_costs_a_place_for_each_signal_and_nothing_else(car: Path, mosquitto: Start) -> None:
    broker = mosquitto(OPEN)

    async def story(car: Car) -> None:
        async with serving(car, at(broker)) as bus, watching(broker.port) as client:
            await client.until(STATE, lambda state: state["state"] == "online")
            broker.pause()
            signal = car.vehicle.gateway.store["Vehicle.Speed"]
            most = 0
            for number in range(60_000):  # far more than sockets hold
                signal.publish(float(number))
                if number % 50 == 0:
                    await asyncio.sleep(0)
                most = max(most, bus.waiting)
            assert most <= len(car.vehicle.gateway.store)
            broker.resume()
            await client.until(SPEED, lambda point: point["value"] == 59_999)
            assert bus.published < 60_000

    in_wall_time(car, story)


def test_a_broker_that_is_not_there_yet_is_told_and_found_when_it_comes(car: Path, mosquitto: Start) -> None:
    broker = mosquitto(OPEN)
    broker.kill()

    async def story(car: Car) -> None:
        async with serving(car, at(broker)) as bus:
            assert "cannot be reached" in car.told[0]
            broker.start()
            await bus.connected.wait()
            async with watching(broker.port) as client:
                await client.until(STATE, lambda state: state["state"] == "online")
        async with watching(broker.port) as client:
            await client.until(STATE, lambda state: state["state"] == "offline")
            await client.until("vss/Vehicle/Length", lambda point: point["quality"] == "stale")

    in_wall_time(car, story)


def test_a_broker_that_does_not_let_us_in_is_told_at_once(car: Path, mosquitto: Start) -> None:
    broker = mosquitto("allow_anonymous false")

    async def story(car: Car) -> None:
        with pytest.raises(ServiceError, match="does not let small-car in: .*[Nn]ot authorized"):
            async with serving(car, f"mqtt://me:wrong@127.0.0.1:{broker.port}"):
                pass

    in_wall_time(car, story)


def test_many_requests_at_once_are_answered_or_counted(car: Path, mosquitto: Start) -> None:
    broker = mosquitto(OPEN, "max_queued_messages 0", "max_inflight_messages 0")
    count = 3000

    async def story(car: Car) -> None:
        async with serving(car, at(broker)) as bus:
            async with aiomqtt.Client("127.0.0.1", broker.port) as client:
                for number in range(count):
                    await client.publish(f"{LAMP}/set", str(number % 100))
                    if number % 64 == 0:
                        await asyncio.sleep(0)
            async with watching(broker.port) as client:
                await client.set(LAMP, "1")
            await until(lambda: bus.requests + bus.dropped >= count + 1)

    in_wall_time(car, story)
