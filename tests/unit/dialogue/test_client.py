from __future__ import annotations

import json
import logging
from datetime import datetime

import httpx
import pytest

from dialogue.client import TURNS_A_SESSION, RasaClient
from dialogue.engine import Dialogue
from dialogue.reply import UNKNOWN, FakeEngine
from robot.errors import LinkFault
from robot.messages import Language, Say, Urgency

pytestmark = pytest.mark.unit

ZH, MN = Language.ZH, Language.MN
NOON = datetime(2026, 11, 21, 15, 20)


class Server:
    """A Rasa of the REST channel that answers every message with `answers`; `down` refuses connections."""

    def __init__(self, intent: str = "greet", confidence: str = "0.9", purpose: str = "greet") -> None:
        self.answers: object = [{"custom": {"purpose": purpose, "intent": intent, "confidence": confidence}}]
        self.status = 200
        self.down: type[httpx.TransportError] | None = None
        self.messages: list[str] = []
        self.calls = 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.calls += 1
        if self.down:
            raise self.down("no", request=request)
        if request.method == "GET":
            return httpx.Response(self.status, json={"status": "ok"})
        self.messages.append(json.loads(request.content)["message"])
        return httpx.Response(self.status, json=self.answers)

    def client(self) -> RasaClient:
        return RasaClient(transport=httpx.MockTransport(self))


def test_the_verdict_travels_in_the_response() -> None:
    verdict = Server("ask_time", "0.871", "tell_time").client().understand("几点了", ZH, 0.0)
    assert (verdict.intent, verdict.confidence, verdict.engine, verdict.purpose) == (
        "ask_time",
        0.871,
        "rasa",
        "tell_time",
    )


@pytest.mark.parametrize("text", ["/restart", " / /session_start", "//EXTERNAL_check_in"])
def test_heard_text_is_never_obeyed_as_a_command(text: str) -> None:
    server = Server()
    server.client().understand(text, ZH, 0.0)
    assert not server.messages[0].startswith("/")


def test_a_session_ends_after_its_turns_so_that_cost_and_memory_stay_small() -> None:
    server = Server()
    client = server.client()
    for _ in range(2 * TURNS_A_SESSION + 1):
        client.understand("你好", ZH, 0.0)
    assert server.messages.count("/session_start") == 2
    assert server.messages[TURNS_A_SESSION] == "/session_start"


@pytest.mark.parametrize("failure", [httpx.ConnectError, httpx.ReadTimeout])
def test_a_silent_server_is_left_alone_longer_and_longer(failure: type[httpx.TransportError]) -> None:
    server = Server()
    client = server.client()
    server.down = failure
    tried: list[float] = []
    for second in range(100):
        before = server.calls
        with pytest.raises(LinkFault):
            client.understand("你好", ZH, float(second))
        if server.calls > before:
            tried.append(float(second))
    assert tried == [0.0, 1.0, 3.0, 7.0, 15.0, 31.0, 61.0, 91.0]


def test_a_server_that_is_back_answers_again() -> None:
    server = Server()
    client = server.client()
    server.down = httpx.ConnectError
    with pytest.raises(LinkFault):
        client.understand("你好", ZH, 0.0)
    server.down = None
    assert client.understand("你好", ZH, 1.0).intent == "greet"
    server.down = httpx.ConnectError
    with pytest.raises(LinkFault):
        client.understand("你好", ZH, 2.0)
    assert client is not None


@pytest.mark.parametrize("answers", [{"error": "x"}, "nonsense"])
def test_an_answer_of_another_shape_is_a_fault(answers: object) -> None:
    server = Server()
    server.answers = answers
    with pytest.raises(LinkFault):
        server.client().understand("你好", ZH, 0.0)


@pytest.mark.parametrize("answers", [[], [{}], [{"text": "hi"}], [{"custom": {"purpose": 3}}], [{"custom": []}]])
def test_a_response_without_a_verdict_is_not_understood(answers: object) -> None:
    server = Server()
    server.answers = answers
    assert server.client().understand("你好", ZH, 0.0).intent == UNKNOWN


def test_a_server_error_is_a_fault() -> None:
    server = Server()
    server.status = 500
    with pytest.raises(LinkFault):
        server.client().understand("你好", ZH, 0.0)


def test_no_spoken_text_enters_a_log(caplog: pytest.LogCaptureFixture) -> None:
    server = Server()
    client = server.client()
    server.down = httpx.ConnectError
    with caplog.at_level(logging.DEBUG):
        Dialogue(client).respond("我的秘密", ZH, 0.0, NOON)
    assert caplog.records
    assert "秘密" not in caplog.text


def test_events_of_the_robot_reach_the_conversation() -> None:
    server = Server()
    server.client().tell("check_in", 0.0)
    assert server.messages == ["/EXTERNAL_check_in"]


def test_rasa_answers_when_it_is_sure() -> None:
    reply = Dialogue(Server("ask_time", "0.9", "tell_time").client()).respond("几点啦", ZH, 0.0, NOON)
    assert (reply.engine, reply.intent, reply.text) == ("rasa", "ask_time", "现在是下午三点二十分。")


def test_rules_answer_when_rasa_is_down() -> None:
    server = Server()
    server.down = httpx.ConnectError
    reply = Dialogue(server.client()).respond("одоо хэдэн цаг бэ", MN, 0.0, NOON)
    assert (reply.engine, reply.intent) == ("rules", "ask_time")
    assert reply.text == "Одоо үдээс хойш гурван цаг хорин минут болж байна."


@pytest.mark.parametrize(("intent", "confidence"), [(UNKNOWN, "1.0"), ("feel_sad", "0.2")])
def test_rules_are_asked_when_rasa_is_unsure(intent: str, confidence: str) -> None:
    dialogue = Dialogue(Server(intent, confidence, "default").client())
    assert dialogue.respond("你好", ZH, 0.0, NOON).engine == "rules"
    assert dialogue.respond("天方夜谭", ZH, 0.0, NOON).intent == UNKNOWN


def test_a_safety_word_does_not_wait_for_the_server() -> None:
    server = Server()
    reply = Dialogue(server.client()).respond("救命", ZH, 0.0, NOON)
    assert (reply.intent, reply.engine, server.calls) == ("emergency", "rules", 0)


def test_a_guessed_emergency_asks_before_it_promises_anything() -> None:
    """The classifier hears danger in "help me cook" too; and it must not be overruled by a low confidence."""
    reply = Dialogue(Server("emergency", "0.3", "emergency").client()).respond("хоол хийхэд туслаач", MN, 0.0, NOON)
    assert (reply.intent, reply.engine, reply.purpose) == ("emergency", "rasa", "ask_help")


def test_repeat_says_the_same_sentence_again_also_what_hani_said_on_its_own() -> None:
    dialogue = Dialogue(FakeEngine({"再说一遍": "repeat", "你好": "greet"}))
    first = dialogue.respond("你好", ZH, 0.0, NOON)
    assert first.engine == "fake"
    again = dialogue.respond("再说一遍", ZH, 0.0, NOON)
    assert (again.intent, again.text, again.purpose) == ("repeat", first.text, first.purpose)
    dialogue.respond("天方夜谭", ZH, 0.0, NOON)  # "I did not understand" is not worth repeating
    assert dialogue.respond("再说一遍", ZH, 0.0, NOON).text == first.text
    dialogue.remember(Say("1", "Эм уух цаг боллоо.", MN, Urgency.REMINDER, "reminder_medicine"))
    again = dialogue.respond("再说一遍", ZH, 0.0, NOON)
    assert (again.text, again.language) == ("Эм уух цаг боллоо.", MN)
