"""The generated messages of the vehicle HAL are those of its proto file: `make proto` after each change of it."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("grpc", reason="needs grpcio: pip install vehicle-gateway[aaos]")
pytest.importorskip("grpc_tools.protoc", reason="needs grpcio-tools: pip install vehicle-gateway[dev]")

import grpc_tools  # type: ignore[import-untyped]
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet
from grpc_tools import protoc

from gateway.domains import aaos
from gateway.domains.aaos import vehicle_server_pb2

FOLDER = Path(aaos.__file__).parent


def test_the_generated_messages_are_those_of_the_proto_file(tmp_path: Path) -> None:
    out = tmp_path / "descriptors"
    includes = Path(grpc_tools.__file__).parent / "_proto"
    assert (
        protoc.main(["protoc", f"-I{FOLDER}", f"-I{includes}", f"--descriptor_set_out={out}", "vehicle_server.proto"])
        == 0
    )
    (compiled,) = FileDescriptorSet.FromString(out.read_bytes()).file
    for message in compiled.message_type:
        for field in message.field:
            field.ClearField("json_name")  # only protoc's own output has it
    assert FileDescriptorProto.FromString(vehicle_server_pb2.DESCRIPTOR.serialized_pb) == compiled
