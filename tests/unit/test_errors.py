"""Sentences of errors: the name that was meant."""

from __future__ import annotations

from gateway.errors import nearest, nearest_path


def test_two_letters_that_changed_places_are_what_was_meant() -> None:
    assert nearest("BMC", ["OBC", "BMS", "BCM"]) == " (did you mean 'BCM'?)"


def test_the_nearest_name_whatever_its_case() -> None:
    assert nearest("vehiclespeed", ["WheelSpeeds", "VehicleSpeed"]) == " (did you mean 'VehicleSpeed'?)"
    assert nearest("Torque", ["VehicleSpeed", "Gear"]) == ""


def test_the_end_of_a_path_is_enough() -> None:
    assert nearest_path("Sped", ["Vehicle.Speed", "Vehicle.Gear"]) == " (did you mean 'Vehicle.Speed'?)"
