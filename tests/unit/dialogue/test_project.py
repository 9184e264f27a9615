from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
import yaml

from dialogue import cli_understand, paths
from dialogue.build import ANSWERS, build
from dialogue.serve import serve_command
from dialogue.train import train
from dialogue.words import words
from robot.errors import MissingPart

pytestmark = pytest.mark.unit


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with a stand-in for Rasa's interpreter: a program that writes an archive where it is told to."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("python", "rasa"):
        (folder / name).write_text("#!/bin/sh\nexit 3\n")
        (folder / name).chmod(0o755)
    monkeypatch.setenv("HANI_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HANI_RASA_PYTHON", str(folder / "python"))
    return tmp_path


def _read(path: Path) -> dict[str, object]:
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert isinstance(content, dict)
    return content


def test_the_project_has_a_rule_a_response_and_examples_for_every_intent(tmp_path: Path) -> None:
    project = build(tmp_path / "project")
    nlu = _read(project / "data" / "nlu" / "words.yml")["nlu"]
    rules = _read(project / "data" / "rules" / "words.yml")["rules"]
    responses = _read(project / "domain" / "words.yml")["responses"]
    assert isinstance(nlu, list)
    assert isinstance(rules, list)
    assert isinstance(responses, dict)
    assert {entry["intent"] for entry in nlu} == set(words().intents)
    assert {rule["steps"][0]["intent"] for rule in rules} == set(words().intents) - set(ANSWERS)
    actions = {rule["steps"][-1]["action"] for rule in rules}
    for written in ("offers.yml", "events.yml"):
        found = _read(project / "data" / "rules" / written)["rules"]
        assert isinstance(found, list)
        actions |= {rule["steps"][-1]["action"] for rule in found}
    assert actions <= set(responses)


def test_no_word_of_the_robot_is_copied_into_the_project(tmp_path: Path) -> None:
    """Rasa returns keys; the texts stay in dialogue/words."""
    project = build(tmp_path / "project")
    domain = (project / "domain" / "words.yml").read_text(encoding="utf-8")
    assert not [text.key for text in words().robot.values() if text.zh in domain or text.mn in domain]


def test_the_safety_lexicon_of_the_pipeline_is_that_of_the_robot(tmp_path: Path) -> None:
    pipeline = _read(build(tmp_path / "project") / "config.yml")["pipeline"]
    assert isinstance(pipeline, list)
    lexicon = next(part for part in pipeline if part["name"].endswith("SafetyLexicon"))
    safety = words().safety
    assert sum(map(len, lexicon["anywhere"].values())) == len(safety.anywhere)
    assert sum(map(len, lexicon["alone"].values())) == len(safety.alone)


def test_the_server_is_not_started_without_its_exact_model(home: Path) -> None:
    """Rasa would load whatever archive is newest."""
    paths.model().parent.mkdir(parents=True)
    paths.model().with_name("hani-older.tar.gz").touch()
    with pytest.raises(MissingPart, match=r"dialogue\.train"):
        serve_command(5005)


def test_the_server_listens_on_loopback_and_sends_nothing_home(home: Path) -> None:
    paths.model().parent.mkdir(parents=True)
    paths.model().touch()
    argv, env = serve_command(5123)
    assert argv[argv.index("-i") + 1] == "127.0.0.1"
    assert argv[argv.index("-p") + 1] == "5123"
    assert argv[argv.index("--model") + 1] == str(paths.model())
    assert "--enable-api" not in argv
    assert env["SANIC_HOST"] == "127.0.0.1"
    assert env["RASA_TELEMETRY_ENABLED"] == "false"


def test_the_slim_server_differs_in_its_program_only(home: Path) -> None:
    paths.model().parent.mkdir(parents=True)
    paths.model().touch()
    full, slim = serve_command(5123)[0], serve_command(5123, slim=True)[0]
    assert Path(slim[1]).is_file()
    assert full[:1] + full[2:] == slim[:1] + slim[2:]


def test_training_is_skipped_when_the_model_is_there(home: Path) -> None:
    paths.model().parent.mkdir(parents=True)
    paths.model().touch()
    out = io.StringIO()
    assert train(out) == paths.model()
    assert "up to date" in out.getvalue()


def test_a_training_that_fails_says_where_to_look(home: Path) -> None:
    with pytest.raises(MissingPart, match=r"train\.log"):
        train(io.StringIO())
    assert not paths.model().exists()


def test_a_missing_interpreter_says_what_to_run(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HANI_RASA_PYTHON", str(home / "nowhere" / "python"))
    with pytest.raises(MissingPart, match="make setup"):
        train(io.StringIO())


def test_understand_writes_a_json_line_for_each_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HANI_RASA_URL", "http://127.0.0.1:9")  # nothing listens on the discard port
    out, err = io.StringIO(), io.StringIO()
    assert cli_understand.run("zh", io.StringIO("你好\n\n救命\n"), out, err) == 0
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [(line["intent"], line["engine"], line["language"]) for line in lines] == [
        ("greet", "rules", "zh"),
        ("emergency", "rules", "zh"),
    ]
    assert all(set(line) == {"text", "language", "intent", "confidence", "engine", "reply"} for line in lines)
    assert err.getvalue() == ""


def test_understand_refuses_an_unknown_language_in_one_line() -> None:
    out, err = io.StringIO(), io.StringIO()
    assert cli_understand.run("en", io.StringIO("hello\n"), out, err) != 0
    assert out.getvalue() == ""
    assert err.getvalue().count("\n") == 1


def test_understand_refuses_broken_text_in_one_line() -> None:
    out, err = io.StringIO(), io.StringIO()
    broken = io.TextIOWrapper(io.BytesIO(b"\xff\xfe\xff\n"), encoding="utf-8")
    assert cli_understand.run("zh", broken, out, err) != 0
    assert err.getvalue().count("\n") == 1
