"""What a server is paid: forecast from the collection itself, counted answer by answer, over kills and resumptions."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

import toy
from families import test_api
from families.test_api import DOCS, Server
from harness import cli, datasets
from harness.datasets.sample import sample
from harness.records import Doc, Query
from harness.running import forecast, suites
from harness.running.plan import Pair
from jobs import job
from retrievers.api import Api


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.http.shutdown()
    made.http.server_close()


def api(server: Server, **more: Any) -> Api:
    made = Api(url=server.url, model="letters", batch=10, concurrency=1, tries=1, **more)
    made.shard_docs = 10
    return made


def words(texts: list[str]) -> int:
    return sum(len(text.split()) for text in texts)


def sent(server: Server) -> list[str]:
    return [text for body in server.seen for text in body["input"]]


def test_tokens_add_up_over_resumptions(server: Server, tmp_path: Path) -> None:
    server.faults = ["", "", "403"]
    first = api(server, price=2.0)
    with pytest.raises(ConnectionError):
        first.index(iter(DOCS), tmp_path)
    assert first.billed["tokens"] == words([doc.text for doc in DOCS[:20]])
    second = api(server, price=2.0)
    second.index(iter(DOCS), tmp_path)
    tokens = words([doc.text for doc in DOCS]) + words([DOCS[0].text])  # one more to see that it is the same model
    assert second.billed == {"tokens": tokens, "usd": pytest.approx(tokens * 2e-6)}


def test_a_shard_that_was_paid_and_lost_is_counted_twice(server: Server, tmp_path: Path) -> None:
    retriever = api(server)
    retriever.shard_docs = 50  # five requests, of which the last fails: nothing is kept
    server.faults = ["", "", "", "", "403"]
    with pytest.raises(ConnectionError):
        retriever.index(iter(DOCS), tmp_path)
    again = api(server)
    again.shard_docs = 50
    again.index(iter(DOCS), tmp_path)
    assert again.billed["tokens"] == words([doc.text for doc in DOCS[:40]]) + words([doc.text for doc in DOCS])


def test_half_a_line_of_the_ledger_is_none(server: Server, tmp_path: Path) -> None:
    api(server).index(iter(DOCS), tmp_path)
    [ledger] = tmp_path.glob("billed.*")
    whole = api(server)
    ledger.write_text(ledger.read_text() + "12")
    server.seen.clear()
    whole.index(iter(DOCS), tmp_path)
    assert whole.billed["tokens"] == words([doc.text for doc in DOCS]) + words(sent(server))


def test_the_manifest_has_what_was_billed_for_documents_and_queries(server: Server, tmp_path: Path) -> None:
    toy.write(tmp_path / "toy")
    given = ["--set", f"url={server.url}", "--set", "model=letters", "--set", "price=10", "--tag", "hosted"]
    where = ["--dataset", str(tmp_path / "toy"), "--results", str(tmp_path / "results")]
    assert cli.main(["run", "api", *given, *where]) == 0
    body = json.loads((tmp_path / "results/runs/hosted/toy/manifest.json").read_bytes())
    docs = words([f"{doc['title']} {doc['text']}".strip() for doc in toy.DOCS])
    billed = {part: body["costs"][part]["billed"] for part in ("index", "search")}
    assert billed["index"] == {"tokens": docs, "usd": pytest.approx(docs * 1e-5)}
    assert billed["search"]["tokens"] == words(sent(server)) - docs  # the latencies' queries, too


def test_another_model_behind_the_same_name_is_refused(server: Server, tmp_path: Path, monkeypatch) -> None:
    api(server).index(iter(DOCS), tmp_path)
    same = api(server)
    same.load(tmp_path)
    monkeypatch.setattr(test_api, "vector", lambda text: [1.0, *(float(text.count(letter)) for letter in "bcdfgij")])
    other = api(server, query_prompt="x ")
    with pytest.raises(ValueError, match=r"another vector for the first document .*cosine 0.*cache prune .* --yes"):
        other.load(tmp_path)
    (tmp_path / "store.json").unlink()  # as of an interrupted index
    (tmp_path / "00004.json").unlink()
    with pytest.raises(ValueError, match="another vector for the first document"):
        api(server).index(iter(DOCS), tmp_path)
    assert list(same.search([Query("q", "heart")], 1))  # was loaded before


def test_the_forecast_is_of_the_collections_own_texts(tmp_path: Path) -> None:
    toy.write(tmp_path / "toy")
    pair = Pair(str(tmp_path / "toy"), suites.system("api", {"model": "m", "price": 100.0, "doc_prompt": "é: "}, "x"))
    found = forecast.of([pair], job(tmp_path / "results", tmp_path / "cache", [tmp_path]))
    size = sum(len(f"é: {(doc['title'] + ' ' + doc['text']).strip()}".encode()) for doc in toy.DOCS)
    tokens, usd, how = found.sent[f"x on {tmp_path / 'toy'}"]
    assert tokens == pytest.approx(size / 4) and usd == pytest.approx(size / 4 * 1e-4)
    assert how == "measured on 5 documents at 4 bytes of UTF-8 a token"
    guessed = forecast.of([pair._replace(name="msmarco-dev")], job(tmp_path / "results", tmp_path / "cache"))
    assert guessed.sent["x on msmarco-dev"][2] == "guessed at 150 tokens a document, as the collection is not here yet"


@pytest.mark.parametrize("ending", ["", ".gz"])
def test_a_sample_is_spread_over_the_file(tmp_path: Path, ending: str) -> None:
    lengths = Random(1)
    lines = [json.dumps({"_id": f"d{at}", "text": "x" * lengths.randrange(1, 51), "title": ""}) for at in range(5000)]
    path = tmp_path / f"corpus.jsonl{ending}"
    (gzip.open if ending else open)(path, "wt").write("\n".join(lines) + "\n")  # type: ignore[operator]
    found = sample(path, 100)
    assert len({doc.doc_id for doc in found}) == len(found) == 100 and isinstance(found[0], Doc)
    if not ending:
        assert max(int(doc.doc_id[1:]) for doc in found) > 4000
        mean = sum(len(doc.text) for doc in found) / 100
        assert 18 < mean < 33 and 4000 < forecast.counted_by_size(path, sample(path, 1000)) < 6000
    assert len(sample(datasets.load("sample").corpus_file, 10_000)) == 357
