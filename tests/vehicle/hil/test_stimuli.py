"""What a test can do to a vehicle: frames, cyclic messages, waveforms, recordings, inputs, overrides."""

from __future__ import annotations

from pathlib import Path

import pytest

import gateway
from gateway.hil import EcuFailedError, HilError, LeftOutWarning, VehicleUnderTest, column, near, ramp, raw, sine, step

VEHICLE = Path(__file__).parents[3] / "vehicle.yaml"


async def test_a_message_is_sent_once_with_start_values_for_the_rest(vehicle: VehicleUnderTest) -> None:
    sent = vehicle["body"].expect("Stalk", Turn="Left", within="10ms")
    vehicle["body"].send("Stalk", Turn="Left")
    received = await sent
    assert received.sender == "tester"
    assert received.Turn == "Left"
    assert received["WiperSwitch"] == "Off"


async def test_a_protected_message_gets_its_checksum(vehicle: VehicleUnderTest) -> None:
    vehicle.ecu("BMS").silence("BatteryStatus")
    with vehicle["powertrain"].periodic("BatteryStatus", every="10ms", Soc=42, Contactors="Closed"):
        await vehicle["powertrain"].expect("BatteryStatus", Soc=42, within="50ms")
        await vehicle["powertrain"].expect_never("VcuStatus", LimpHome="On", during="1s")
    await vehicle["powertrain"].expect("VcuStatus", LimpHome="On", within="500ms")


async def test_a_raw_value_goes_past_the_database(vehicle: VehicleUnderTest) -> None:
    with pytest.raises(HilError, match=r"raw\(...\)"):
        vehicle["body"].send("ClimateCommand", FanSpeed=120)
    vehicle["body"].send("ClimateCommand", FanSpeed=raw(0xF0))
    assert (await vehicle["body"].expect("ClimateCommand", FanSpeed=raw(0xF0), within="10ms")).number("FanSpeed") == 120


async def test_any_frame_can_be_sent(vehicle: VehicleUnderTest) -> None:
    came = vehicle["chassis"].expect(0x18DAF110, within="10ms")
    vehicle["chassis"].send_raw(0x18DAF110, b"\x02\x10\x03")
    assert (await came).data == b"\x02\x10\x03"
    with pytest.raises(HilError, match="cannot have 9 bytes"):
        vehicle["body"].send_raw(0x123, bytes(9))
    with pytest.raises(HilError, match="has no CAN FD"):
        vehicle["body"].send_raw(0x123, bytes(12), fd=True)


async def test_listening_does_not_acknowledge(vehicle: VehicleUnderTest) -> None:
    before = len(vehicle["body"].bus.controllers)
    await vehicle["body"].expect("LightCommand", within="200ms")
    assert len(vehicle["body"].bus.controllers) == before
    vehicle["body"].send("Stalk")
    vehicle["body"].send("Stalk")
    assert len(vehicle["body"].bus.controllers) == before + 1


async def test_an_input_follows_a_ramp_and_stays_at_its_end(vehicle: VehicleUnderTest) -> None:
    pedal = vehicle.ecu("VCU").input("accelerator")
    pedal.follow(ramp(0, 50, over="1s"))
    await vehicle.run_for("500ms")
    assert pedal.value == near(25, 1)
    await vehicle.run_for("2s")
    assert pedal.value == 50
    pedal.release()
    assert pedal.value != 50


async def test_a_cyclic_message_carries_a_sine_and_steps(vehicle: VehicleUnderTest) -> None:
    with vehicle["body"].periodic(
        "RainLight", every="20ms", Brightness=sine(1000, 500, "400ms"), Rain=step(("0s", 0), ("200ms", 80))
    ):
        await vehicle["body"].expect("RainLight", Brightness=(1400, 1500), Rain=0, within="200ms")
        await vehicle["body"].expect("RainLight", Brightness=(500, 600), Rain=80, within="300ms")


async def test_an_input_follows_a_column_of_a_csv_file(vehicle: VehicleUnderTest, tmp_path: Path) -> None:
    file = tmp_path / "pedal.csv"
    file.write_text("time_s,VCU.accelerator\n0,0.0\n1,100.0\n")
    vehicle.ecu("VCU").input("accelerator").follow(column(file, "VCU.accelerator"))
    await vehicle["powertrain"].expect("VcuStatus", AcceleratorPosition=(45, 55), within="600ms")
    with pytest.raises(HilError, match="'VCU.acelerator' .did you mean 'VCU.accelerator'"):
        column(file, "VCU.acelerator")


async def test_a_recording_is_played_at_its_times(vehicle: VehicleUnderTest, tmp_path: Path) -> None:
    file = tmp_path / "drive.log"
    file.write_text("(10.000000) can0 208#21000000\n(10.100000) can0 208#00000000\n(10.250000) can0 7A5#0102\n")
    vehicle.ecu("SWM").kill()
    playing = vehicle["body"].play(file)
    first = await vehicle["body"].expect(0x208, within="10ms")
    await vehicle["body"].expect(0x7A5, within="300ms")
    assert first.sender == "tester"
    assert (playing.sent, playing.finished) == (3, True)


async def test_an_override_beats_the_behaviour_until_it_is_released(vehicle: VehicleUnderTest) -> None:
    with vehicle.ecu("ESP").override("VehicleMotion.Speed", 88):
        await vehicle.signal("Vehicle.Speed").becomes(88, within="100ms")
        await vehicle.signal("Vehicle.Speed").stays(88, during="300ms")
    await vehicle.signal("Vehicle.Speed").becomes(0, within="100ms")


async def test_a_frozen_signal_stays(vehicle: VehicleUnderTest) -> None:
    frozen = vehicle.ecu("RLS").freeze("RainLight.Brightness")
    before = vehicle.ecu("RLS").sent("RainLight.Brightness")
    vehicle.ecu("RLS").input("brightness").value = 123.0
    latest = await vehicle["body"].expect("RainLight", within="300ms")
    assert latest.number("Brightness") == near(float(before), 1)
    frozen.stop()
    await vehicle["body"].expect("RainLight", Brightness=123, within="300ms")


async def test_a_csv_file_holds_its_last_row_and_repeats_when_asked_to(
    vehicle: VehicleUnderTest, tmp_path: Path
) -> None:
    file = tmp_path / "pedal.csv"
    file.write_text("time_s,VCU.accelerator\n0,0\n2,100\n")
    pedal = vehicle.ecu("VCU").input("accelerator")
    for playing in (True, False):
        handles = vehicle.play_inputs(file) if playing else [pedal.follow(column(file, "VCU.accelerator"))]
        await vehicle.run_for("1990ms")
        assert pedal.value == 0
        await vehicle.run_for("3s")
        assert pedal.value == 100
        for handle in handles:
            handle.stop()
    vehicle.play_inputs(file, repeat=True)
    await vehicle.run_for("3s")
    assert pedal.value == 0


async def test_a_waveform_that_a_signal_cannot_have_is_told_at_once(vehicle: VehicleUnderTest, tmp_path: Path) -> None:
    file = tmp_path / "rain.csv"
    file.write_text("t;rain\n0;0\n1;30\n2;300\n")
    with pytest.raises(HilError, match=r"rain.csv:4: .*RainLight.Rain.*300"):
        vehicle["body"].periodic("RainLight", every="20ms", Rain=column(file, "rain"))
    with pytest.raises(HilError, match="300"):
        vehicle.ecu("RLS").override("RainLight.Rain", ramp(0, 300, over="1s"))


class Rising:
    """A waveform of a user, that nobody can look into beforehand."""

    length_ns = None

    def at(self, time_ns: int) -> float:
        return time_ns / 1e7


async def test_an_error_in_the_timeline_has_its_time_and_the_line_of_the_test(vehicle: VehicleUnderTest) -> None:
    vehicle.ecu("RLS").override("RainLight.Rain", Rising())
    with pytest.raises(HilError, match=r"Rain.*\(at 1\.5\d+ s, from .*test_stimuli.py:\d+\)"):
        await vehicle.run_for("3s")


async def test_an_input_that_is_not_there_is_told_with_its_line(vehicle: VehicleUnderTest) -> None:
    with pytest.raises(HilError, match="VCU has no input 'accelerater' .did you mean 'accelerator'"):
        vehicle.ecu("VCU").input("accelerater")
    async with gateway.load(VEHICLE) as fresh:
        fresh.ecu("VCU").input("accelerater").value = 5
        with pytest.raises(HilError, match=r"did you mean 'accelerator'.*asked for in .*test_stimuli.py:\d+"):
            await fresh["body"].expect("LightCommand", within="1s")


async def test_text_where_an_ecu_reads_a_number_is_an_error(vehicle: VehicleUnderTest) -> None:
    pedal = vehicle.ecu("VCU").input("accelerator")
    with pytest.raises(HilError, match="input 'accelerator' is 'full', and its ECU reads a number"):
        pedal.value = "full"
    pedal.value = "50"
    await vehicle["powertrain"].expect("VcuStatus", AcceleratorPosition=50, within="200ms")
    async with gateway.load(VEHICLE) as fresh:
        fresh.ecu("VCU").input("accelerator").value = "full"  # before anybody knows
        await fresh.run_for("100ms")
        with pytest.raises(EcuFailedError, match="input 'accelerator' is 'full'"):
            fresh.finish()
        fresh.allow_failures()


async def test_what_a_living_ecu_sends_is_left_out_of_a_recording(vehicle: VehicleUnderTest, tmp_path: Path) -> None:
    file = tmp_path / "drive.log"
    file.write_text("(10.000000) can0 208#21000000\n(10.100000) can0 7A5#00\n(10.250000) can0 208#0102\n")
    with pytest.warns(LeftOutWarning, match=r"Stalk \(2 frames; SWM sends it\)") as told:
        playing = vehicle["body"].play(file)
    assert told[0].filename.endswith("test_stimuli.py")
    came = await vehicle["body"].expect(0x7A5, within="200ms")
    assert came.after_s == near(0.1, 0.01)
    assert (playing.sent, playing.left_out) == (1, {"Stalk": 2})
    file.write_text("(10.000000) can0 208#21000000\n")
    with pytest.raises(HilError, match="nothing of it can be played: .*SWM sends it"):
        vehicle["body"].play(file)
    with pytest.raises(HilError, match="there is no channel 'can1' .did you mean 'can0'.*there are can0"):
        vehicle["body"].play(file, channel="can1")
