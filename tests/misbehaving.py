"""What a child may do to its parent: served by name in the tests of `isolation`."""

import ctypes
import json
import os
import struct
import tempfile
from typing import Any

import numpy as np


def serve(channel: Any) -> None:
    header, _ = channel.receive()
    nothing: list[Any] = []
    ways: dict[str, Any] = {
        "answer": lambda: channel.send({"given": 1}, [np.arange(6, dtype=np.float32).reshape(2, 3)]),
        "loop": lambda: [None for _ in iter(int, 1)],
        "abort": os.abort,
        "hold": lambda: (channel.send({"pid": os.getpid()}), ctypes.PyDLL(None).pause()),
        "leave": lambda: None,
        "litter": lambda: channel.send({"left": tempfile.mkdtemp()}),
        "fill": lambda: channel.answer(lambda: ({"n": len(bytearray(1 << 40))}, ()), "it.pb"),
        "stumble": lambda: channel.answer(nothing.pop, "it.pb"),
        "long header": lambda: os.write(channel._out, struct.pack("<I", 2**31)),
        "no JSON": lambda: os.write(channel._out, struct.pack("<I", 4) + b"\x80\x04\x95N"),
        "objects": lambda: frame(channel, [["object", [1]]]),
        "huge array": lambda: frame(channel, [["float32", [1 << 20, 1 << 20]]]),
        "negative array": lambda: frame(channel, [["float32", [-1, -4]]]),
        "escapes": lambda: channel.send({"error": ["SystemExit", "\x1b[31mred\nnext", "f"]}),
        "error": lambda: channel.send({"error": 5}),
    }
    ways[header["do"]]()


def frame(channel: Any, arrays: Any) -> None:
    text = json.dumps({"arrays": arrays}).encode()
    os.write(channel._out, struct.pack("<I", len(text)) + text)
