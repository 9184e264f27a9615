"""Kaldi's binary nnet3 files, as far as a small TDNN-F chain model needs them: weights out, new weights in.

The file is kept as it is and only the parts that change are replaced, so that every flag that Kaldi reads (and this
module does not) stays as its maker wrote it.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from robot.errors import BadInput

Array = NDArray[np.float32]
_COMPONENT = re.compile(rb"<ComponentName> (\S+) <(\w+)> ")
_STAY_OR_GO = 0.5  # CTC has no durations: both transitions of a state weigh the same
_ENDLESS = -1


@dataclass(frozen=True, slots=True)
class Component:
    """One component with its bytes. `field` reads a matrix, vector or number behind a `<Tag>`."""

    name: str
    kind: str
    raw: bytes

    def matrix(self, tag: str) -> Array:
        return _read_matrix(self.raw, self._behind(tag))[0]

    def vector(self, tag: str) -> Array:
        return _read_vector(self.raw, self._behind(tag))[0]

    def number(self, tag: str) -> float:
        at = self._behind(tag)
        return float(struct.unpack_from("<f", self.raw, at + 1)[0])

    def offsets(self) -> tuple[int, ...]:
        """Frames that a TDNN component looks at, relative to its output."""
        at = self._behind("TimeOffsets")
        (count,) = struct.unpack_from("<i", self.raw, at + 1)
        return struct.unpack_from(f"<{count}i", self.raw, at + 5)

    @property
    def weights_tag(self) -> str:
        return "Params" if self.kind == "LinearComponent" else "LinearParams"

    def replaced(self, weights: Array, bias: Array | None) -> Component:
        """The same component with other weights, and another bias where it has one."""
        at = self._behind(self.weights_tag)
        _, end = _read_matrix(self.raw, at)
        raw = self.raw[:at] + matrix_bytes(weights) + self.raw[end:]
        changed = Component(self.name, self.kind, raw)
        if bias is None:
            return changed
        at = changed._behind("BiasParams", at)
        _, end = _read_vector(raw, at)
        return Component(self.name, self.kind, raw[:at] + vector_bytes(bias) + raw[end:])

    def _behind(self, tag: str, start: int = 0) -> int:
        mark = f"<{tag}> ".encode()
        at = self.raw.find(mark, start)
        if at < 0:
            raise BadInput(f"Component {self.name} has no <{tag}>; this is not the base model that the recipe is for.")
        return at + len(mark)


@dataclass(frozen=True, slots=True)
class Network:
    """An nnet3 network: its configuration lines and its components in file order."""

    config: tuple[str, ...]
    components: Mapping[str, Component]

    @classmethod
    def read(cls, path: Path) -> Network:
        """Read a `final.mdl`; its transition model is dropped. Raises `BadInput` naming what is not as expected."""
        return cls.read_bytes(path.read_bytes(), path)

    @classmethod
    def read_bytes(cls, data: bytes, path: Path) -> Network:
        """The same from bytes; `path` is only for messages."""
        begin, count_at = data.find(b"<Nnet3>"), data.find(b"<NumComponents> ")
        if not data.startswith(b"\0B") or begin < 0 or count_at < begin:
            raise BadInput(f"{path} is no binary nnet3 model.")
        found = list(_COMPONENT.finditer(data, count_at))
        (count,) = struct.unpack_from("<i", data, count_at + len(b"<NumComponents> ") + 1)
        if count != len(found):
            raise BadInput(f"{path} says {count} components and holds {len(found)}; its file is damaged.")
        end = data.rfind(b"</Nnet3>")
        if end < 0:
            raise BadInput(f"{path} ends too early; its file is damaged.")
        ends = [*(match.start() for match in found[1:]), end]
        components = {
            match[1].decode(): Component(match[1].decode(), match[2].decode(), data[match.start() : end])
            for match, end in zip(found, ends, strict=True)
        }
        return cls(tuple(data[begin:count_at].decode().splitlines()), components)


def vosk_model(config: Sequence[str], components: Sequence[Component], tokens: int, context_frames: int) -> bytes:
    """A `final.mdl` with one CTC state a token: pdf k is phone k+1, transition 2k+1 stays, 2k+2 enters."""
    body = "\n".join(config).encode() + b"\n\n<NumComponents> " + _int(len(components))
    body += b"".join(component.raw for component in components)
    context = b"<LeftContext> " + _int(context_frames) + b"<RightContext> " + _int(context_frames)
    return b"\0B" + _transitions(tokens) + body + b"</Nnet3> " + context + b"<Priors> " + vector_bytes(np.zeros(0))


def fixed_affine(name: str, weights: Array, bias: Array) -> Component:
    """An affine component that Kaldi never trains."""
    head = f"<ComponentName> {name} <FixedAffineComponent> <LinearParams> ".encode()
    middle, tail = b"<BiasParams> ", b"</FixedAffineComponent> "
    return Component(name, "FixedAffineComponent", head + matrix_bytes(weights) + middle + vector_bytes(bias) + tail)


def log_softmax(name: str, dim: int) -> Component:
    """A log-softmax with empty statistics."""
    empty, none = vector_bytes(np.zeros(0)), b"\x08" + struct.pack("<d", 0.0)
    fields: list[tuple[str, bytes]] = [("Dim", _int(dim)), ("ValueAvg", empty), ("DerivAvg", empty), ("Count", none)]
    fields += [("OderivRms", empty), ("OderivCount", none), ("NumDimsSelfRepaired", none), ("NumDimsProcessed", none)]
    inside = b"".join(f"<{tag}> ".encode() + value for tag, value in fields)
    raw = f"<ComponentName> {name} <LogSoftmaxComponent> ".encode() + inside + b"</LogSoftmaxComponent> "
    return Component(name, "LogSoftmaxComponent", raw)


def matrix_bytes(values: Any) -> bytes:
    values = np.ascontiguousarray(values, "<f4")
    return b"FM " + _int(values.shape[0]) + _int(values.shape[1]) + bytes(values.tobytes())


def vector_bytes(values: Any) -> bytes:
    values = np.ascontiguousarray(values, "<f4")
    return b"FV " + _int(len(values)) + bytes(values.tobytes())


def _read_matrix(raw: bytes, at: int) -> tuple[Array, int]:
    kind = raw[at : at + 3]
    if kind != b"FM ":
        raise BadInput(f"Expected a float matrix in the model, found {kind!r}.")
    rows, columns = struct.unpack_from("<xixi", raw, at + 3)
    end = at + 13 + 4 * rows * columns
    return np.frombuffer(raw, "<f4", rows * columns, at + 13).reshape(rows, columns).copy(), end


def _read_vector(raw: bytes, at: int) -> tuple[Array, int]:
    kind = raw[at : at + 3]
    if kind != b"FV ":
        raise BadInput(f"Expected a float vector in the model, found {kind!r}.")
    (count,) = struct.unpack_from("<xi", raw, at + 3)
    return np.frombuffer(raw, "<f4", count, at + 8).copy(), at + 8 + 4 * count


def _transitions(tokens: int) -> bytes:
    phones = range(1, tokens + 1)
    loop = _int(0) + _float(_STAY_OR_GO) + _int(1) + _float(_STAY_OR_GO)
    topology = _ints(phones) + _ints([-1] + [0] * tokens) + _int(1) + _int(2)  # one entry of two states
    topology += _int(0) + _int(2) + loop + _int(_ENDLESS) + _int(0)  # the emitting state, and the final one
    triples = _int(tokens) + b"".join(_int(phone) + _int(0) + _int(phone - 1) for phone in phones)
    log_probs = np.concatenate([[0.0], np.full(2 * tokens, np.log(_STAY_OR_GO))])
    return (
        b"<TransitionModel> <Topology> " + topology + b"</Topology> <Triples> " + triples
        + b"</Triples> <LogProbs> " + vector_bytes(log_probs) + b"</LogProbs> </TransitionModel> "
    )  # fmt: skip


def _int(value: int) -> bytes:
    return b"\x04" + struct.pack("<i", value)


def _float(value: float) -> bytes:
    return b"\x04" + struct.pack("<f", value)


def _ints(values: Sequence[int] | range) -> bytes:
    return b"\x04" + struct.pack(f"<i{len(values)}i", len(values), *values)
