"""The messages of weightinit.mode.v1, made from the protocol's descriptor.

Generated classes would refuse every protobuf older than their generator; made
at start they work with all of 4.25 to 7.36. The pool is our own, so a second
copy of this package in one process does no harm.

Import it late: it costs the start about as much as all the rest but grpc.
"""

from __future__ import annotations

import os
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

DESCRIPTOR_PATH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "mode1.binpb")
"""A copy of plugins/protocol/mode1.binpb: a serialized FileDescriptorProto."""

PACKAGE = "weightinit.mode.v1"


def _load() -> dict[str, Any]:
    with open(DESCRIPTOR_PATH, "rb") as f:
        raw = f.read()
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(raw)
    names = [m.name for m in descriptor_pb2.FileDescriptorProto.FromString(raw).message_type]
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{PACKAGE}.{name}"))
        for name in names
    }


_classes = _load()

DescribeRequest = _classes["DescribeRequest"]
DescribeReply = _classes["DescribeReply"]
AssignRequest = _classes["AssignRequest"]
AssignReply = _classes["AssignReply"]
FillRequest = _classes["FillRequest"]
FillChunk = _classes["FillChunk"]
ErrorDetail = _classes["ErrorDetail"]
Dist = _classes["Dist"]
Param = _classes["Param"]
