"""The Kaldi model file: what is read is what is written, and Vosk's form of it stays as Vosk loads it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.speech.training.nnet3 import Network, fixed_affine, log_softmax, vosk_model
from robot import paths
from robot.errors import BadInput

pytestmark = pytest.mark.unit

MODEL = paths.SPEECH_MODEL / "am" / "final.mdl"


@pytest.fixture(scope="module")
def network() -> Network:
    return Network.read(MODEL)


def test_a_model_taken_apart_and_put_together_is_the_same_file(network: Network) -> None:
    """The shipped model is one that stock Vosk loads, so equality says that the writer writes what Vosk reads."""
    config = [line for line in network.config if line]
    tokens = len((paths.SPEECH_MODEL / "tokens.txt").read_text(encoding="utf-8").split())
    rebuilt = vosk_model(config, list(network.components.values()), tokens, 34)
    again = Network.read_bytes(rebuilt, MODEL)
    assert {name: part.raw for name, part in again.components.items()} == {
        name: part.raw for name, part in network.components.items()
    }
    shipped = MODEL.read_bytes()
    assert rebuilt[: rebuilt.index(b"<Nnet3>")] == shipped[: shipped.index(b"<Nnet3>")], "the transition model"
    assert rebuilt[rebuilt.index(b"</Nnet3>") :] == shipped[shipped.index(b"</Nnet3>") :], "contexts and priors"


def test_every_weight_of_the_trunk_can_be_read_and_replaced_by_itself(network: Network) -> None:
    trained = [part for part in network.components.values() if part.kind in ("TdnnComponent", "LinearComponent")]
    assert len(trained) == 30
    for part in trained:
        weights = part.matrix(part.weights_tag)
        assert np.isfinite(weights).all()
        assert part.replaced(weights, None).raw == part.raw


def test_replacing_changes_the_weights_and_nothing_else(network: Network) -> None:
    part = network.components["output.affine"]
    weights, bias = part.matrix("LinearParams"), part.vector("BiasParams")
    changed = part.replaced(weights + 1, bias - 1)
    assert np.array_equal(changed.matrix("LinearParams"), weights + 1)
    assert np.array_equal(changed.vector("BiasParams"), bias - 1)
    assert changed.replaced(weights, bias).raw == part.raw


def test_the_offsets_are_the_ones_that_the_recipe_relies_on(network: Network) -> None:
    parts = network.components
    assert [parts[f"tdnnf{k}.linear"].offsets() for k in range(2, 16)] == [(-1, 0)] * 3 + [(0,)] + [(-3, 0)] * 10
    assert [parts[f"tdnnf{k}.affine"].offsets() for k in range(2, 16)] == [(0, 1)] * 3 + [(0,)] + [(0, 3)] * 10


@given(st.integers(1, 40), st.integers(1, 40))
def test_new_components_are_read_back(rows: int, columns: int) -> None:
    weights = np.arange(rows * columns, dtype=np.float32).reshape(rows, columns)
    made = fixed_affine("lda", weights, np.ones(rows, np.float32))
    assert np.array_equal(made.matrix("LinearParams"), weights)
    assert np.array_equal(made.vector("BiasParams"), np.ones(rows))
    assert b"<Dim> \x04" + rows.to_bytes(4, "little") in log_softmax("x", rows).raw


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda data: b"", "no binary nnet3 model"),
        (lambda data: data[: len(data) // 2], "damaged"),
        (lambda data: data.replace(b"<ComponentName> lda ", b"<ComponentNome> lda "), "damaged"),
        (lambda data: b"text " + data, "no binary nnet3 model"),
    ],
)
def test_a_damaged_file_is_refused_by_name(tmp_path: Path, damage: object, said: str) -> None:
    bad = tmp_path / "final.mdl"
    bad.write_bytes(damage(MODEL.read_bytes()))  # type: ignore[operator]  # a lambda of the table
    with pytest.raises(BadInput, match=said):
        Network.read(bad)


def test_a_component_without_the_field_is_refused_by_name(network: Network) -> None:
    with pytest.raises(BadInput, match=r"tdnn1\.relu has no <LinearParams>"):
        network.components["tdnn1.relu"].matrix("LinearParams")
