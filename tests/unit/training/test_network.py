"""The network in PyTorch is the network that Vosk runs. Needs the recipe's own environment (`make train` makes it)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from models.speech.training.nnet3 import Network
from robot import paths
from robot.errors import BadInput

torch = pytest.importorskip("torch", reason="only the recipe's environment has PyTorch")
from models.speech.training.batches import Batch  # noqa: E402  # after the check above
from models.speech.training.network import AcousticModel, blank_shift, exported  # noqa: E402
from models.speech.training.train import Recipe, Training  # noqa: E402

pytestmark = pytest.mark.unit

TOKENS = 85


@pytest.fixture(scope="module")
def base() -> Network:
    return Network.read(paths.SPEECH_MODEL / "am" / "final.mdl")


def test_there_is_a_score_for_every_third_frame(base: Network) -> None:
    model = AcousticModel(base, TOKENS).eval()
    for frames in (1, 2, 3, 4, 50, 99):
        scores = model(torch.zeros(2, frames, 40))
        assert scores.shape == (2, -(-frames // 3), TOKENS)
        assert torch.allclose(scores.exp().sum(-1), torch.ones(1))


def test_an_exported_model_is_read_back_with_the_same_weights(base: Network, tmp_path: Path) -> None:
    model = AcousticModel(base, TOKENS).eval()
    shift = np.zeros(TOKENS, np.float32)
    shift[0] = -4.0
    (tmp_path / "final.mdl").write_bytes(exported(model, base, shift))
    again = Network.read(tmp_path / "final.mdl")
    bias = again.components["output.affine"].vector("BiasParams")
    assert np.array_equal(bias, model.output.bias.detach().numpy() + shift)
    for name, part in base.components.items():
        if name != "output.affine":
            assert again.components[name].raw == part.raw, name


def test_training_goes_on_from_a_shipped_model(base: Network, tmp_path: Path) -> None:
    torch.manual_seed(2)
    model, shift = AcousticModel(base, TOKENS).eval(), blank_shift(TOKENS)
    with torch.no_grad():
        model.prefinal.weight.mul_(1.1)
    (tmp_path / "final.mdl").write_bytes(exported(model, base, shift))
    shipped = Network.read(tmp_path / "final.mdl")
    again = AcousticModel(shipped, TOKENS).eval()
    again.take_output(shipped, shift)
    frames = torch.randn(1, 30, 40)
    assert torch.allclose(again(frames), model(frames), atol=1e-5)
    with pytest.raises(BadInput, match="85 outputs, not 84"):
        AcousticModel(shipped, TOKENS - 1).take_output(shipped, blank_shift(TOKENS - 1))


def test_learning_lowers_the_loss_and_a_resumed_run_goes_on_alike(base: Network) -> None:
    torch.manual_seed(1)
    draw = np.random.default_rng(1)
    batch = Batch(draw.standard_normal((3, 90, 40)).astype(np.float32), (90, 90, 60), ((5, 6), (7,), (8, 9, 8)))
    recipe = Recipe(head_steps=1, warm_up_steps=1, dropout=0.0, trunk_rate=1e-5, head_rate=1e-4)
    training = Training(AcousticModel(base, TOKENS), recipe)
    losses = [training.learn(batch, 40) for _ in range(8)]
    assert losses[-1] < losses[0]
    other = Training(AcousticModel(base, TOKENS), recipe)
    other.restore(training.state())
    assert other.learn(batch, 40) == pytest.approx(training.learn(batch, 40), rel=1e-3)


def test_the_rate_rises_stays_and_falls() -> None:
    recipe = Recipe(warm_up_steps=100, falling_share=0.25)
    assert recipe.rate(50, 1_000) == pytest.approx(0.5)
    assert recipe.rate(500, 1_000) == 1.0
    assert recipe.rate(875, 1_000) == pytest.approx(0.5)
