"""Transfer training: the base model's trunk, a new CTC head, all languages at once; resumable at every checkpoint.

    python -m models.speech.training.train --data FOLDER [FOLDER ...] --fold all|a|b --steps N --out FOLDER

The learning rate rises, stays, and falls linearly over the last quarter of the steps; the model that is kept is the
running average of the weights. Run again with the same folder, the command goes on where it was.
"""

from __future__ import annotations

import argparse
import copy
import json
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from models.speech.training.base_model import fetch_base_model
from models.speech.training.batches import Batch, Speech
from models.speech.training.collection import FOLDS, load, read_collection
from models.speech.training.network import SUBSAMPLING, AcousticModel, blank_shift
from models.speech.training.nnet3 import Network
from robot import paths
from robot.errors import HaniError
from robot.speech.lexicon import Lexicon

CHECKPOINT = "checkpoint.pt"


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a run depends on beside the data. Rates are AdamW's; `head_steps` train the head alone first."""

    seed: int = 1
    trunk_rate: float = 3e-4
    head_rate: float = 1e-3
    head_steps: int = 300
    warm_up_steps: int = 300
    falling_share: float = 0.25
    weight_decay: float = 0.01
    dropout: float = 0.1
    average_keeps: float = 0.998
    greatest_gradient: float = 5.0
    shares: tuple[tuple[str, float], ...] = (
        ("studymongolian.net", 0.33),
        ("Kokoro Mongolian", 0.22),
        ("AISHELL-1 sample", 0.12),
        ("audio-cmn (HSK words)", 0.12),
        ("DSPSpeech-20", 0.13),
        ("Kokoro", 0.08),
    )

    def rate(self, step: int, steps: int) -> float:
        """Factor on both rates, 0 to 1."""
        falling = steps * self.falling_share
        return min(step / self.warm_up_steps, (steps - step) / falling, 1.0)


class Training:
    """One run: model, optimiser, running average, and how far it is."""

    def __init__(self, model: AcousticModel, recipe: Recipe) -> None:
        self.recipe, self.model, self.average = recipe, model, copy.deepcopy(model)
        head = list(model.head())
        known = {id(parameter) for parameter in head}
        self._trunk = [parameter for parameter in model.parameters() if id(parameter) not in known]
        groups = [{"params": head, "rate": recipe.head_rate}, {"params": self._trunk, "rate": recipe.trunk_rate}]
        self._optimiser = torch.optim.AdamW(groups, lr=0.0, weight_decay=recipe.weight_decay, betas=(0.9, 0.98))
        self._ctc = torch.nn.CTCLoss(zero_infinity=True)
        # a core without such instructions emulates them, 14 times slower than float32 (measured)
        self._has_bfloat16 = bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
        self.step = self.pool = 0

    def learn(self, batch: Batch, steps: int) -> float:
        """One step on one batch; returns its loss in nats a token."""
        frozen = self.step < self.recipe.head_steps
        for parameter in self._trunk:
            parameter.requires_grad_(not frozen)
        for group in self._optimiser.param_groups:
            group["lr"] = group["rate"] * self.recipe.rate(self.step + 1, steps)
        self.model.train()
        with torch.autocast("cpu", torch.bfloat16, enabled=self._has_bfloat16):
            scores = self.model(torch.from_numpy(batch.frames))
        loss = self._loss(scores, batch)
        self._optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.recipe.greatest_gradient)
        self._optimiser.step()
        self.step += 1
        kept = min(self.recipe.average_keeps, self.step / (self.step + 10))
        with torch.no_grad():
            for mean, now in zip(self.average.parameters(), self.model.parameters(), strict=True):
                mean.lerp_(now, 1 - kept)
        return float(loss.detach())

    def _loss(self, scores: Tensor, batch: Batch) -> Tensor:
        lengths = torch.tensor([-(-frames // SUBSAMPLING) for frames in batch.lengths])
        targets = torch.tensor([token for row in batch.targets for token in row])
        counts = torch.tensor([len(row) for row in batch.targets])
        loss: Tensor = self._ctc(scores.transpose(0, 1), targets, lengths, counts)
        return loss

    def state(self) -> dict[str, Any]:
        return {
            "recipe": asdict(self.recipe),
            "model": self.model.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self._optimiser.state_dict(),
            "step": self.step,
            "pool": self.pool,
        }

    def restore(self, state: dict[str, Any]) -> None:
        self.model.load_state_dict(state["model"])
        self.average.load_state_dict(state["average"])
        self._optimiser.load_state_dict(state["optimiser"])
        self.step, self.pool = state["step"], state["pool"]


def train(folders: list[Path], fold_name: str, steps: int, out_dir: Path, recipe: Recipe, start: Path | None) -> None:
    """Train to `steps` in all, with a checkpoint in `out_dir` after every few hundred."""
    torch.manual_seed(recipe.seed)
    lexicon = Lexicon.of_model(paths.SPEECH_MODEL)
    fold = FOLDS[fold_name]
    recordings = [r for r in read_collection(folders, lexicon) if fold.trains_on(r.clip)]
    speech = Speech(recordings, load(recordings), dict(recipe.shares))
    _say(fold=fold_name, clips=len(recordings), steps=steps)
    shipped = start if start is not None and start.suffix == ".mdl" else None
    base = Network.read(shipped or fetch_base_model())
    model = AcousticModel(base, len(lexicon.tokens), recipe.dropout)
    if shipped is not None:
        model.take_output(base, blank_shift(len(lexicon.tokens)))
    training = Training(model, recipe)
    checkpoint = out_dir / CHECKPOINT
    out_dir.mkdir(parents=True, exist_ok=True)
    if checkpoint.is_file():
        training.restore(torch.load(checkpoint, weights_only=True))
    elif start is not None and shipped is None:
        weights = torch.load(start, weights_only=True)["average"]
        training.model.load_state_dict(weights)
        training.average.load_state_dict(weights)
    (out_dir / "tokens.txt").write_text("".join(f"{token}\n" for token in lexicon.tokens), encoding="utf-8")
    while training.step < steps:
        began_s = time.monotonic()
        losses: list[float] = []
        while len(losses) < 200 and training.step < steps:
            for batch in speech.batches(recipe.seed, training.pool):
                if training.step < steps:
                    losses.append(training.learn(batch, steps))
            training.pool += 1
        _say(step=training.step, loss=round(sum(losses) / len(losses), 4), s=round(time.monotonic() - began_s, 1))
        fresh = checkpoint.with_suffix(".new")
        torch.save(training.state(), fresh)
        fresh.replace(checkpoint)


def _say(**fields: object) -> None:
    sys.stdout.write(json.dumps(fields) + "\n")
    sys.stdout.flush()


def main(arguments: list[str] | None = None) -> int:
    """Returns 0, or 1 after one line when something is missing."""
    parser = argparse.ArgumentParser(prog="python -m models.speech.training.train", description="Transfer training.")
    parser.add_argument(
        "--data", type=Path, nargs="+", required=True, help="folders that hold speech.tsv and its clips"
    )
    parser.add_argument("--fold", choices=sorted(FOLDS), default="all", help="what is left out (default: nothing)")
    parser.add_argument("--steps", type=int, required=True, help="steps of half a minute of speech, in all")
    parser.add_argument("--out", type=Path, required=True, help="folder of the checkpoint")
    parser.add_argument("--start", type=Path, help="begin with another run's checkpoint or a shipped final.mdl")
    parser.add_argument("--threads", type=int, default=1, help="cores to use")
    given = parser.parse_args(arguments)
    torch.set_num_threads(given.threads)
    try:
        train(given.data, given.fold, given.steps, given.out, Recipe(), given.start)
    except HaniError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
