"""The base model as a PyTorch module: a TDNN-F chain trunk with its batch statistics frozen, and a new CTC head."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor, nn

from models.speech.training.nnet3 import Array, Component, Network, fixed_affine, log_softmax, vosk_model
from robot.errors import BadInput

FEATURES = 40
CONTEXT_FRAMES = 34
"""Frames on each side that an output looks at: 1 (lda), 3 layers of 1, 10 layers of 3."""
SUBSAMPLING = 3
_SKIP = 0.66
_FIRST_STRIDED = 5  # from tdnnf5 on, only every third frame is needed
_LAYERS = range(2, 16)
BLANK_BIAS = -3.0
"""Added to the blank's output: a new voice makes the network unsure, and unsure it says blank. Chosen on fold a."""


class FrozenNorm(nn.Module):
    """Kaldi's batch norm in test mode, by the base model's statistics, and its dropout: whole channels of a row."""

    def __init__(self, component: Component, dropout: float = 0.0) -> None:
        super().__init__()
        self._kept = 1.0 - dropout
        variance = component.vector("StatsVar") + component.number("Epsilon")
        scale = component.number("TargetRms") / np.sqrt(variance)
        self.register_buffer("scale", torch.from_numpy(scale.astype(np.float32)))
        self.register_buffer("shift", torch.from_numpy((-component.vector("StatsMean") * scale).astype(np.float32)))

    def forward(self, x: Tensor) -> Tensor:
        scale, shift = self.scale, self.shift
        if self.training and self._kept < 1.0:
            kept = torch.empty(len(x), 1, x.shape[2]).bernoulli_(self._kept) / self._kept
            scale, shift = scale * kept, shift * kept
        return torch.addcmul(shift.to(x.dtype), x, scale.to(x.dtype))


class FactorisedLayer(nn.Module):
    """linear -> affine -> ReLU -> norm, plus 0.66 times the input. Loses its context's frames at both ends."""

    def __init__(self, network: Network, name: str, dropout: float) -> None:
        super().__init__()
        parts = network.components
        self.narrow = _linear(parts[f"{name}.linear"])
        self.widen = _linear(parts[f"{name}.affine"])
        self.norm = FrozenNorm(parts[f"{name}.batchnorm"], dropout)
        self.spliced = len(parts[f"{name}.linear"].offsets()) == 2

    def forward(self, x: Tensor) -> Tensor:
        if self.spliced:
            y = self.widen(_pairs(self.narrow(_pairs(x))))
            x = x[:, 1:-1]
        else:
            y = self.widen(self.narrow(x))
        return torch.add(self.norm(torch.relu(y)), x, alpha=_SKIP)


class AcousticModel(nn.Module):
    """MFCC frames (batch, frames, 40) to log-likelihoods of tokens (batch, ceil(frames / 3), tokens).

    Frames before the first and after the last are taken to be like them, as Kaldi does.
    """

    def __init__(self, base: Network, tokens: int, dropout: float = 0.0) -> None:
        super().__init__()
        parts = base.components
        lda = parts["lda"]
        # without the i-vector: the first three frames' columns
        self.register_buffer("lda", torch.from_numpy(lda.matrix("LinearParams")[:, : 3 * FEATURES].copy()))
        self.register_buffer("lda_bias", torch.from_numpy(lda.vector("BiasParams")))
        self.first = _linear(parts["tdnn1.affine"])
        self.first_norm = FrozenNorm(parts["tdnn1.batchnorm"])
        self.layers = nn.ModuleList(FactorisedLayer(base, f"tdnnf{k}", dropout) for k in _LAYERS)
        self.prefinal = _linear(parts["prefinal-l"])
        self.head_wide = _linear(parts["prefinal-chain.affine"])
        self.head_norm1 = FrozenNorm(parts["prefinal-chain.batchnorm1"])
        self.head_narrow = _linear(parts["prefinal-chain.linear"])
        self.head_norm2 = FrozenNorm(parts["prefinal-chain.batchnorm2"])
        self.output = nn.Linear(self.head_narrow.out_features, tokens)
        nn.init.normal_(self.output.weight, std=1 / math.sqrt(self.output.in_features))
        nn.init.zeros_(self.output.bias)

    def forward(self, frames: Tensor) -> Tensor:
        first, last = frames[:, :1], frames[:, -1:]
        x = torch.cat([*[first] * CONTEXT_FRAMES, frames, *[last] * CONTEXT_FRAMES], 1)
        x = torch.cat([x[:, :-2], x[:, 1:-1], x[:, 2:]], 2)
        x = self.first_norm(torch.relu(self.first(nn.functional.linear(x, self.lda, self.lda_bias))))
        for number, layer in zip(_LAYERS, self.layers, strict=True):
            if number == _FIRST_STRIDED:
                x = x[:, ::SUBSAMPLING]
            x = layer(x)
        x = self.head_norm1(torch.relu(self.head_wide(self.prefinal(x))))
        logits = self.output(self.head_norm2(self.head_narrow(x)))
        return torch.log_softmax(logits.float(), -1)

    def take_output(self, shipped: Network, bias_shift: Array) -> None:
        """The output layer of a model that `exported` wrote with this shift; the rest of it is taken at the start."""
        part = shipped.components["output.affine"]
        weights, bias = part.matrix("LinearParams"), part.vector("BiasParams")
        if weights.shape != self.output.weight.shape:
            raise BadInput(f"The model has {len(weights)} outputs, not {len(self.output.weight)}: other tokens.")
        with torch.no_grad():
            self.output.weight.copy_(torch.from_numpy(weights))
            self.output.bias.copy_(torch.from_numpy(bias - bias_shift))

    def head(self) -> Iterator[nn.Parameter]:
        """What is new or close to the output; the rest is the trunk."""
        for part in (self.head_wide, self.head_narrow, self.output):
            yield from part.parameters()


def blank_shift(tokens: int, blank_bias: float = BLANK_BIAS) -> Array:
    """What is added to the output bias of a model that is shipped: the blank is token 0."""
    shift = np.zeros(tokens, np.float32)
    shift[0] = blank_bias
    return shift


def exported(model: AcousticModel, base: Network, bias_shift: Array) -> bytes:
    """`model` as a Vosk `final.mdl` without i-vectors; `bias_shift` (tokens,) is added to the output bias."""
    parts = base.components
    layers: dict[str, nn.Linear] = {"tdnn1.affine": model.first, "prefinal-l": model.prefinal}
    layers |= {"prefinal-chain.affine": model.head_wide, "prefinal-chain.linear": model.head_narrow}
    for number, layer in zip(_LAYERS, model.layers, strict=True):
        layers |= {f"tdnnf{number}.linear": layer.narrow, f"tdnnf{number}.affine": layer.widen}
    components = []
    for name, component in parts.items():
        if "xent" in name:
            continue
        if name == "lda":
            component = fixed_affine(name, _array(model.lda), _array(model.lda_bias))
        elif name == "output.affine":
            component = component.replaced(_array(model.output.weight), _array(model.output.bias) + bias_shift)
        elif name in layers:
            bias = layers[name].bias
            component = component.replaced(_array(layers[name].weight), None if bias is None else _array(bias))
        components.append(component)
    tokens = model.output.out_features
    components.append(log_softmax("output.log-softmax", tokens))
    return vosk_model(_config(base), components, tokens, CONTEXT_FRAMES)


def _config(base: Network) -> list[str]:
    lines = []
    for line in base.config:
        if "xent" in line or line.startswith("input-node name=ivector"):
            continue
        if line.startswith("component-node name=lda "):
            line = line.replace(", ReplaceIndex(ivector, t, 0)", "")
        if line.startswith("output-node name=output "):
            lines.append("component-node name=output.log-softmax component=output.log-softmax input=output.affine")
            line = "output-node name=output input=output.log-softmax objective=linear"
        lines.append(line)
    return [line for line in lines if line]


def _linear(component: Component) -> nn.Linear:
    weights = component.matrix(component.weights_tag)
    bias = None if component.kind == "LinearComponent" else component.vector("BiasParams")
    layer = nn.Linear(weights.shape[1], weights.shape[0], bias=bias is not None and len(bias) > 0)
    if component.kind == "TdnnComponent" and weights.shape[1] != len(component.offsets()) * _inputs(component):
        raise BadInput(f"Component {component.name} is spliced in a way that the recipe does not know.")
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(weights))
        if layer.bias is not None:
            layer.bias.copy_(torch.from_numpy(bias))
    return layer


def _inputs(component: Component) -> int:
    return component.matrix(component.weights_tag).shape[1] // len(component.offsets())


def _pairs(x: Tensor) -> Tensor:
    return torch.cat([x[:, :-1], x[:, 1:]], 2)


def _array(values: Tensor | nn.Module) -> Array:
    result: Array = values.detach().float().numpy()
    return result
