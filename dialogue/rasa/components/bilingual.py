# ruff: noqa: ARG003 - the signatures are those of Rasa's graph
"""Rasa components for one assistant in Mandarin and Mongolian. They run in Rasa's interpreter, not in the robot's."""

from __future__ import annotations

import re
from typing import Any

from pypinyin import lazy_pinyin
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.tokenizers.tokenizer import Token, Tokenizer
from rasa.shared.nlu.constants import ENTITIES, INTENT, INTENT_RANKING_KEY, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from dialogue.text import HAN, fold, language_of, mentions, spelling_key, token_spans, tokens, without

_HAN = re.compile(f"[{HAN}]")
_RETROFLEX = re.compile("^(zh|ch|sh)")
FALLBACK = "nlu_fallback"


def sound(token: str) -> str:
    """How a token sounds, coarsely: pinyin without the pairs that accents merge, or folded Mongolian spelling."""
    if not _HAN.match(token):
        return spelling_key(token)
    syllable = "".join(lazy_pinyin(token))
    return _RETROFLEX.sub(lambda found: found.group()[0], syllable).replace("ng", "n")


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.MESSAGE_TOKENIZER, is_trainable=False)
class BilingualTokenizer(Tokenizer):
    """Han by character, Mongolian by word; the lemma is the sound."""

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        return {
            "intent_tokenization_flag": False,
            "intent_split_symbol": "_",
            "token_pattern": None,
            "prefix_separator_symbol": None,
        }

    @staticmethod
    def required_packages() -> list[str]:
        return ["pypinyin"]

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> BilingualTokenizer:
        return cls(config)

    def tokenize(self, message: Message, attribute: str) -> list[Token]:
        text = message.get(attribute).lower()
        found = [Token(token, start, lemma=sound(token)) for token, start in token_spans(text)]
        return self._apply_token_pattern(found or [Token(text, 0)])


class _Last(GraphComponent):
    """A component that only rewrites what the classifier found."""

    def __init__(self, config: dict[str, Any]) -> None:
        self._config = config

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> GraphComponent:
        return cls(config)

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        return training_data

    def process(self, messages: list[Message]) -> list[Message]:
        for message in messages:
            text = message.get(TEXT) or ""
            if not text.startswith("/"):
                self.rewrite(message, text)
        return messages

    def rewrite(self, message: Message, text: str) -> None:
        raise NotImplementedError


def _decide(message: Message, intent: str, confidence: float) -> None:
    top = {"name": intent, "confidence": confidence}
    others = [entry for entry in message.get(INTENT_RANKING_KEY, []) if entry["name"] != intent]
    message.set(INTENT, top, add_to_output=True)
    message.set(INTENT_RANKING_KEY, [top, *others], add_to_output=True)


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class UnknownGuard(_Last):
    """Sends texts to the fallback of which fewer than `least_known` of the tokens sound like anything in the examples.

    Logistic regression answers gibberish with confidence; cross-validation hides that.
    """

    _FILE = "sounds.txt"

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        return {"least_known": 0.5}

    def __init__(self, config: dict[str, Any], storage: ModelStorage, resource: Resource, sounds: set[str]) -> None:
        super().__init__(config)
        self._storage, self._resource, self._sounds = storage, resource, sounds

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> UnknownGuard:
        return cls(config, model_storage, resource, set())

    @classmethod
    def load(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> UnknownGuard:
        with model_storage.read_from(resource) as folder:
            sounds = set((folder / cls._FILE).read_text(encoding="utf-8").split("\n"))
        return cls(config, model_storage, resource, sounds)

    def train(self, training_data: TrainingData) -> Resource:
        for example in training_data.intent_examples:
            self._sounds.update(sound(token) for token in tokens(example.get(TEXT, "").lower()))
        with self._storage.write_to(self._resource) as folder:
            (folder / self._FILE).write_text("\n".join(sorted(self._sounds)), encoding="utf-8")
        return self._resource

    def rewrite(self, message: Message, text: str) -> None:
        heard = [sound(token) for token in tokens(text.lower())]
        known = sum(each in self._sounds for each in heard)
        if not heard or known < self._config["least_known"] * len(heard):
            _decide(message, FALLBACK, 1.0)


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=False)
class SafetyLexicon(_Last):
    """The last word on intent: a safety phrase is an emergency, whatever the classifier believes.

    A copy of the robot's own safety words, so that the conversation knows of the emergency; nothing relies on it.
    """

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        return {"intent": "emergency", "anywhere": {}, "alone": {}, "harmless": {}}

    def rewrite(self, message: Message, text: str) -> None:
        language = language_of(text) or "zh"
        said = without(fold(text), tuple(self._config["harmless"].get(language, ())))
        alone = self._config["alone"].get(language, ())
        anywhere = self._config["anywhere"].get(language, ())
        if said in alone or any(mentions(said, phrase) for phrase in anywhere):
            _decide(message, self._config["intent"], 1.0)


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.ENTITY_EXTRACTOR, is_trainable=False)
class Verdict(_Last):
    """Writes intent and confidence into slots: the REST channel returns responses only, and they carry these slots.

    The alternative, Rasa's HTTP API, would open trackers and model replacement to every process of the machine.
    """

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        return {}

    def rewrite(self, message: Message, text: str) -> None:
        intent = message.get(INTENT) or {}
        verdict = {
            "heard_intent": str(intent.get("name")),
            "heard_confidence": f"{intent.get('confidence') or 0.0:.3f}",
        }
        entities = [
            {"entity": name, "value": value, "start": 0, "end": len(text), "confidence": 1.0, "extractor": "Verdict"}
            for name, value in verdict.items()
        ]
        message.set(ENTITIES, [*message.get(ENTITIES, []), *entities], add_to_output=True)
