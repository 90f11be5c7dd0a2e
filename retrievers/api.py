"""Embeddings from a server that speaks OpenAI's protocol: vLLM, TEI, Infinity, Ollama, or a hosted one.

    POST {url}/embeddings  {"model": …, "input": [texts], "encoding_format": "float"}
    -> {"data": [{"index": 0, "embedding": [...]}, …]}

The key comes from an environment variable and is put into no argument, log or manifest.
"""

import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import numpy as np

from harness.records import Doc
from retrievers.dense import DenseRetriever, doc_text, escaped
from retrievers.encoders.asking import Answer, Asker
from retrievers.encoders.billed import Ledger
from retrievers.encoders.misfit import Misfit
from retrievers.made_for import made_for, named_parameters
from retrievers.search.same_model import refuse_other, remembered

BYTES_PER_TOKEN = 4  # of UTF-8: a token is about four letters of English, and one sign or two of Chinese
DOC_TOKENS = 150  # of a document, on average over BEIR
SHOWN = 300  # characters of a server's message
TOO_LONG = (400, 413, 422)  # what servers answer to a text, or a batch, that is too long for them
TOO_LONG_CURE = "where the text is too long for the model, max_chars cuts it"


class ApiEncoder:
    """Vectors from `{url}/embeddings`.

    `model` is the server's name of it, `dimensions` asks for shorter vectors, where it can give them. `query_prompt`
    and `doc_prompt` are put before the texts; `query_fields` and `doc_fields` go into the requests, such as
    {"input_type": "query"}, where a server wants to know. An empty text is sent as a blank, and one of more than
    `max_chars` characters, prompt included, is cut there. `similarity` cos normalises the vectors. `key_variable` names
    the environment variable with the key; "" is none. A request has `batch` texts and waits `timeout` seconds at most,
    `concurrency` run at a time, and one that fails for the moment (429, 5xx, a cut connection) is made again, `tries`
    times in all, after the time that the server says. `price` in USD for a million tokens makes the forecast say what
    it will cost.
    """

    runtime = frozenset({"batch", "concurrency", "timeout", "tries", "price", "key_variable"})
    search_only = frozenset({"query_prompt", "query_fields"})

    def __init__(
        self,
        url: str = "http://localhost:8000/v1",
        model: str = "",
        *,
        dimensions: int | None = None,
        query_prompt: str = "",
        doc_prompt: str = "",
        query_fields: dict[str, Any] | None = None,
        doc_fields: dict[str, Any] | None = None,
        similarity: Literal["cos", "dot"] = "cos",
        max_chars: int | None = None,
        key_variable: str = "OPENAI_API_KEY",
        batch: int = 64,
        concurrency: int = 4,
        timeout: float = 120.0,
        tries: int = 8,
        price: float = 0.0,
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"url is {url!r}; it is http(s)://host/…/v1, without /embeddings")
        if parts.username or parts.password or parts.query:
            raise ValueError(
                "url holds a name, a password or a query, which would be recorded; set key_variable instead"
            )
        if not model:
            raise ValueError("name the model as the server knows it: --set model=…")
        for name, value in (
            ("batch", batch), ("concurrency", concurrency), ("tries", tries), ("timeout", timeout),
            ("max_chars", 1 if max_chars is None else max_chars),
            ("dimensions", 1 if dimensions is None else dimensions),
        ):  # fmt: skip
            if value <= 0:
                raise ValueError(f"{name} is {value}; it must be more than 0")
        if not price >= 0:
            raise ValueError(f"price is {price}; it is USD for a million tokens, 0 or more")
        for name, fields in (("query_fields", query_fields), ("doc_fields", doc_fields)):
            if own := {"input", "encoding_format"} & set(fields or ()):
                raise ValueError(f"{name} holds {min(own)!r}, which the request sets itself; leave it out")
        if similarity not in ("cos", "dot"):
            raise ValueError(f"similarity is {similarity!r}; it can be cos or dot")
        self.url, self.model, self.dimensions = url.rstrip("/").removesuffix("/embeddings"), model, dimensions
        self.query_prompt, self.doc_prompt, self.similarity = query_prompt, doc_prompt, similarity
        self.query_fields, self.doc_fields = dict(query_fields or {}), dict(doc_fields or {})
        self.key = _key(key_variable)
        self.key_variable, self.batch, self.concurrency = key_variable, batch, concurrency
        self.max_chars = max_chars
        self.asker = Asker(f"{self.url}/embeddings", self.key, timeout, tries, concurrency)
        self.width: int | None = None
        self.ledger, self.price = Ledger(), price

    @classmethod
    def needs(cls, docs: int, arguments: dict[str, Any]) -> dict[str, float]:
        """Disk for the vectors; tokens that are sent, and what they cost at the given price."""
        tokens = float(docs * DOC_TOKENS)
        width = arguments.get("dimensions") or 1024
        sent = {"tokens": tokens, "usd": tokens * arguments["price"] / 1e6}
        return {"disk": docs * (width * 2.0 + 16), "memory": 5e8, **sent}

    @classmethod
    def sends(cls, docs: Sequence[Doc], arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Tokens of these documents' texts, prompt included, and what they cost at the given price."""
        texts = [arguments["doc_prompt"] + doc_text(doc, arguments["title"]) for doc in docs]
        tokens = sum(len(text[: arguments["max_chars"]].encode("utf-8", "replace")) for text in texts) / BYTES_PER_TOKEN
        how = f"at {BYTES_PER_TOKEN} bytes of UTF-8 a token"
        return {"tokens": tokens, "usd": tokens * arguments["price"] / 1e6, "how": how}

    @property
    def billed(self) -> dict[str, float]:
        """Tokens that the server counted, and what they cost at the given price."""
        tokens = self.ledger.tokens
        return {"tokens": tokens, **({"usd": round(tokens * self.price / 1e6, 6)} if self.price else {})}

    @classmethod
    def known_width(cls, arguments: Mapping[str, Any]) -> int | None:
        """How many numbers the vectors have, where they are asked for."""
        return arguments.get("dimensions")

    def encode_queries(self, texts: Sequence[str]) -> np.ndarray:
        """Vectors (n, dim) of queries, the prompt put before them."""
        return self._encode(self._cut(self.query_prompt, texts), self.query_fields)

    def encode_docs(self, texts: Sequence[str]) -> np.ndarray:
        """Vectors (n, dim) of documents, the prompt put before them."""
        return self._encode(self._cut(self.doc_prompt, texts), self.doc_fields)

    def _cut(self, prompt: str, texts: Sequence[str]) -> list[str]:
        return [(prompt + text)[: self.max_chars] for text in texts]

    def facts(self) -> dict[str, Any]:
        """For the manifest."""
        return {
            "server": self.url, "model": self.model, "similarity": self.similarity,
            "tokens_of_queries": self.ledger.tokens,
            "notes": escaped({"query_prompt": self.query_prompt, "doc_prompt": self.doc_prompt}),
        }  # fmt: skip

    def _encode(self, texts: list[str], fields: dict[str, Any]) -> np.ndarray:
        """All texts, in requests of `batch`, `concurrency` at a time; an error ends those that have not begun."""
        starts = range(0, len(texts), self.batch)
        with ThreadPoolExecutor(self.concurrency, "request") as pool:
            asked = [pool.submit(self._request, texts[start : start + self.batch], start, fields) for start in starts]
            try:
                parts = [one.result() for one in asked]
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise
        for start, part in zip(starts, parts, strict=True):  # of requests that ran side by side
            if part.shape[1] != self.width:
                raise Misfit(start, f"got an embedding of {part.shape[1]} numbers, others have {self.width}")
        vectors = np.concatenate([np.empty((0, self.width or 0), np.float32), *parts])
        if self.similarity == "dot":
            return vectors
        return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), np.float32(1e-12))

    def _request(self, texts: list[str], first: int, fields: dict[str, Any]) -> np.ndarray:
        """Vectors fp32 (n, dim) of some texts, of which the first has number `first` in its call."""
        body: dict[str, Any] = {
            "model": self.model,
            "input": [text or " " for text in texts],
            "encoding_format": "float",
        }
        body |= fields
        if self.dimensions is not None:
            body["dimensions"] = self.dimensions
        try:
            answer = self.asker.post(body)
        except ConnectionError as error:
            raise ConnectionError(
                f"{self.url}/embeddings did not answer, {self._safe(str(error))}; what was encoded is kept, and the"
                " same command goes on there"
            ) from None
        if answer.status in TOO_LONG and len(texts) == 1:
            raise Misfit(first, f"was refused: {self._refusal(answer)}")
        if answer.status in TOO_LONG:  # of one text, perhaps: which?
            half = len(texts) // 2
            parts = self._request(texts[:half], first, fields), self._request(texts[half:], first + half, fields)
            return np.concatenate(parts)
        if answer.status != 200:
            raise ConnectionError(self._refusal(answer))
        try:
            found = json.loads(answer.text)
        except (ValueError, RecursionError):
            raise ConnectionError(
                f"{self.url}/embeddings answered with {answer.kind} instead of JSON: is the url that of the API (it"
                f" ends with /v1 on most servers)? It says: {self._safe(answer.text)}"
            ) from None
        return self._checked(found, len(texts), first)

    def _checked(self, answer: Any, count: int, first: int) -> np.ndarray:
        """The vectors in the order of their texts. Raises ValueError where the answer is not what was asked for."""
        usage = answer.get("usage") if isinstance(answer, dict) else None
        if isinstance(usage, dict):  # what is paid is counted first, whatever the answer is worth
            counts = (usage.get(name) for name in ("total_tokens", "prompt_tokens"))
            self.ledger.add(next((count for count in counts if type(count) is int and count >= 0), 0))
        data = answer.get("data") if isinstance(answer, dict) else None
        if not isinstance(data, list) or not all(isinstance(item, dict) for item in data):
            raise ConnectionError(f"{self.url}/embeddings gave no list of embeddings: {self._safe(str(answer))}")
        if len(data) != count:
            raise ConnectionError(f"{self.url}/embeddings gave {len(data)} embeddings for {count} texts")
        places = [item.get("index", place) for place, item in enumerate(data)]
        if sorted(map(str, places)) != sorted(map(str, range(count))):
            raise ConnectionError(f"{self.url}/embeddings gave the indexes {places[:5]}… for {count} texts")
        rows: list[Any] = [None] * count
        for place, item in zip(places, data, strict=True):
            rows[int(place)] = item.get("embedding")
        if self.dimensions and isinstance(rows[0], list) and len(rows[0]) != self.dimensions:
            raise ConnectionError(
                f"{self.url}/embeddings gave {len(rows[0])} numbers where dimensions={self.dimensions} were asked for:"
                f" it does not shorten vectors. Leave dimensions out; dim={self.dimensions} shortens them here"
            )
        for number, row in enumerate(rows):
            wanted = self.width or (len(row) if isinstance(row, list) else 0)
            if not isinstance(row, list) or not row or len(row) != wanted:
                got = f"{len(row)} numbers" if isinstance(row, list) else type(row).__name__
                raise Misfit(first + number, f"got an embedding of {got}, others have {wanted or 'some'}")
            try:
                finite = np.isfinite(np.array(row, np.float32)).all()
            except (TypeError, ValueError):
                finite = np.False_
            if not finite:
                raise Misfit(first + number, "got an embedding that holds what is no finite number")
            self.width = wanted
        return np.array(rows, np.float32)

    def _refusal(self, answer: Answer) -> str:
        cure = {
            401: f"set the environment variable {self.key_variable or 'of key_variable'} to a key of this server",
            403: f"the key in {self.key_variable or 'key_variable'} may not use this model",
            404: "look at the url (it ends with /v1 on most servers) and at the model's name",
            400: TOO_LONG_CURE,
            413: TOO_LONG_CURE,
            422: TOO_LONG_CURE,
            429: "lower concurrency, or wait: what was encoded is kept, and the same command goes on there",
        }.get(answer.status, "what was encoded is kept, and the same command goes on there")
        return f"{self.url}/embeddings answered {answer.status}: {self._safe(answer.text)}; {cure}"

    def _safe(self, text: str) -> str:
        """A server's words, short, without the key."""
        text = " ".join(re.sub(r"<[^>]*>", " ", text).split())
        text = text.replace(self.key, "[key]") if self.key else text
        return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


def _key(variable: str) -> str:
    """The key in the environment, "" for none. Raises ValueError, which does not show it, for what no header takes."""
    key = os.environ.get(variable, "").strip() if variable else ""
    if not key.isascii() or not key.isprintable():
        raise ValueError(
            f"the key in the environment variable {variable} holds what is no printable ASCII; set it again"
        )
    return key


class Api(made_for(ApiEncoder, DenseRetriever, ApiEncoder, named_parameters(ApiEncoder))):  # type: ignore[misc]
    __doc__ = ApiEncoder.__doc__
    shard_docs = 1024  # what a kill may cost in money
    piece_docs = 1024  # however many requests run at a time

    @classmethod
    def needs(cls, docs: int, arguments: dict[str, Any]) -> dict[str, float]:
        """See `ApiEncoder.needs`."""
        return ApiEncoder.needs(docs, arguments)

    @classmethod
    def sends(cls, docs: Sequence[Doc], arguments: Mapping[str, Any]) -> dict[str, Any]:
        """See `ApiEncoder.sends`."""
        return ApiEncoder.sends(docs, arguments)

    @property
    def billed(self) -> dict[str, float]:
        """See `ApiEncoder.billed`; of an index that of all calls on its folder."""
        return self.encoder.billed  # type: ignore[no-any-return]

    def load(self, folder: Path) -> None:
        """Open the vectors in `folder`, if the server still gives them. Raises ValueError where it does not."""
        self._refuse_other(folder)
        super().load(folder)

    def _index(self, docs: Iterable[Doc], folder: Path, part: tuple[int, int] | None = None) -> None:
        self.encoder.ledger = Ledger(folder)
        self._refuse_other(folder)
        super()._index(remembered(docs, self.render, folder), folder, part)

    def _refuse_other(self, folder: Path) -> None:
        who = f"the model {self.encoder.model!r} of {self.encoder.url}"
        refuse_other(folder, self.encoder.encode_docs, who)
