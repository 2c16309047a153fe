"""Language models behind any OpenAI-compatible endpoint, through OpenAI's own client.

Texts and keys never reach a log or an error: what is raised says what kind of trouble it is.
"""

import json
import time
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

import httpx2
import openai
from pydantic import ValidationError

from core.ports import (
    Form,
    ModelAnswer,
    ModelDown,
    ModelNonsense,
    ModelRefused,
    ModelUse,
    Said,
)
from core.settings import Settings

CONNECT = 5  # seconds
RETRIES = 2  # where nobody waits before a page
LONGEST = 200_000  # characters of an answer; one that is longer has another form than asked for


class OpenAiModel:
    """A model of an endpoint that speaks OpenAI's protocol."""

    def __init__(
        self,
        base_url: str,
        name: str,
        key: str,
        *,
        timeout: float,
        form: str = "json_schema",
        retries: int = RETRIES,
    ) -> None:
        self.name, self.host = name, urlsplit(base_url).hostname or base_url
        self._form = form
        self._client = _client(base_url, key, timeout, retries)

    def ask(self, said: Sequence[Said], form: type[Form], *, most_tokens: int) -> ModelAnswer[Form]:
        """Return an answer in a form. Raises `ModelNonsense` where the answer has another."""
        begun = time.monotonic()
        with _Trouble():
            answer = self._client.chat.completions.create(
                model=self.name,
                messages=_messages(said),
                temperature=0,
                max_tokens=most_tokens,
                **_asked_form(form, self._form),
            )
        use = _use(self.name, answer.usage, begun)
        text = (answer.choices[0].message.content or "") if answer.choices else ""
        try:
            return ModelAnswer(form.model_validate_json(_bare(text), strict=True), use)
        except (ValidationError, ValueError):
            raise ModelNonsense(use) from None  # the trouble would quote the text

    def stream(self, said: Sequence[Said], *, most_tokens: int) -> "OpenAiStream":
        """Return an answer in words as it comes."""
        with _Trouble():
            pieces = self._client.chat.completions.create(
                model=self.name,
                messages=_messages(said),
                temperature=0,
                max_tokens=most_tokens,
                stream=True,
                stream_options={"include_usage": True},
            )
        return OpenAiStream(self.name, pieces)


class OpenAiStream:
    """An answer that comes piece by piece; `use` is known once it has ended."""

    def __init__(self, name: str, pieces: "openai.Stream[Any]") -> None:
        self.use: ModelUse | None = None
        self._name, self._pieces, self._begun = name, pieces, time.monotonic()

    def __iter__(self) -> Iterator[str]:
        """Go through the pieces. Raises `ModelDown` where they stop before the end."""
        usage, ended, length = None, False, 0
        with _Trouble():
            for piece in self._pieces:
                usage = piece.usage or usage
                for choice in piece.choices[:1]:
                    ended = ended or choice.finish_reason is not None
                    if choice.delta.content:
                        length += len(choice.delta.content)
                        yield choice.delta.content
                if length > LONGEST:
                    break
        self.use = _use(self._name, usage, self._begun)
        self.close()
        if not ended:
            raise ModelDown("the answer stopped before its end")

    def close(self) -> None:
        """Hear no more of it; safe to call twice."""
        self._pieces.close()


class OpenAiTranscriber:
    """A speech model of an endpoint that speaks OpenAI's protocol."""

    def __init__(self, base_url: str, name: str, key: str, *, timeout: float) -> None:
        self.name = name
        self._client = _client(base_url, key, timeout)

    def transcribe(self, audio: bytes, *, name: str, language: str) -> ModelAnswer[str]:
        """Return what was said in a recording; `name` tells its format, such as "a.webm"."""
        begun = time.monotonic()
        with _Trouble():
            heard = self._client.audio.transcriptions.create(
                model=self.name, file=(name, audio), language=language, response_format="json"
            )
        return ModelAnswer(heard.text.strip(), _use(self.name, None, begun))


def first(settings: Settings, *, retries: int = RETRIES) -> OpenAiModel | None:
    """Return the language model that the settings name, if they do."""
    name, key = settings.llm_model, settings.llm_api_key
    return _model(settings, settings.llm_base_url, name, key, retries)


def second(settings: Settings) -> OpenAiModel | None:
    """Return the second model, at the first one's address where it has none of its own."""
    if not settings.llm_second_base_url:
        name, key = settings.llm_second_model, settings.llm_api_key
        return _model(settings, settings.llm_base_url, name, key)
    name, key = settings.llm_second_model, settings.llm_second_api_key
    return _model(settings, settings.llm_second_base_url, name, key)


def transcriber(settings: Settings) -> OpenAiTranscriber | None:
    """Return the speech model that the settings name, if they do."""
    if not (settings.llm_base_url and settings.llm_transcribe_model):
        return None
    return OpenAiTranscriber(
        settings.llm_base_url,
        settings.llm_transcribe_model,
        settings.llm_api_key.get_secret_value(),
        timeout=settings.llm_timeout,
    )


def _model(
    settings: Settings, base_url: str, name: str, key: Any, retries: int = RETRIES
) -> OpenAiModel | None:
    if not (base_url and name):
        return None
    return OpenAiModel(
        base_url,
        name,
        key.get_secret_value(),
        timeout=settings.llm_timeout,
        form=settings.llm_form,
        retries=retries,
    )


def _client(base_url: str, key: str, timeout: float, retries: int = RETRIES) -> openai.OpenAI:
    return openai.OpenAI(
        base_url=base_url,
        api_key=key or "none",  # the client wants one; endpoints of one's own take any
        timeout=openai.Timeout(timeout, connect=CONNECT),
        max_retries=retries,
    )


class _Trouble:
    """Turns the client's errors into ours, without what they quote."""

    def __enter__(self) -> None:
        """Nothing to prepare."""

    def __exit__(self, kind: Any, trouble: BaseException | None, _trace: Any) -> None:
        match trouble:
            case openai.APITimeoutError():
                raise ModelDown("nothing was answered in time") from None
            case openai.RateLimitError() | openai.InternalServerError():
                raise ModelDown(f"the endpoint answered {trouble.status_code}") from None
            case openai.APIStatusError():
                raise ModelRefused(f"the endpoint answered {trouble.status_code}") from None
            case openai.OpenAIError() | httpx2.HTTPError() | json.JSONDecodeError():
                raise ModelDown("the endpoint gave no answer that can be read") from None


def _messages(said: Sequence[Said]) -> Any:
    return [{"role": one.role, "content": one.text} for one in said]


def _asked_form(form: type[Form], how: str) -> dict[str, Any]:
    if how == "json_schema":
        schema = {"name": form.__name__, "schema": form.model_json_schema(), "strict": True}
        return {"response_format": {"type": "json_schema", "json_schema": schema}}
    return {"response_format": {"type": "json_object"}} if how == "json_object" else {}


def _bare(text: str) -> str:
    """Return JSON without the fence that some models put around it."""
    if len(text) > LONGEST:
        raise ValueError(len(text))
    bare = text.strip()
    if bare.startswith("```") and bare.endswith("```") and "\n" in bare:
        return bare[bare.index("\n") + 1 : -3]
    return bare


def _use(name: str, usage: Any, begun: float) -> ModelUse:
    return ModelUse(
        model=name,
        tokens_in=max(0, usage.prompt_tokens) if usage else 0,
        tokens_out=max(0, usage.completion_tokens) if usage else 0,
        milliseconds=round((time.monotonic() - begun) * 1000),
    )
