"""Which files and variables a retriever's code is taken to read, by its text alone, and which not."""

import ast
from pathlib import Path

import pytest

from harness.plugins import code_variables, reads

READ = {
    "(HERE / 'order.txt').read_text()": "order.txt",
    "(Path(__file__).parent / 'more' / 'order').read_bytes()": "more/order",
    "open(os.path.join(HERE, 'more', 'a.json'))": "more/a.json",
    "open('./ways/one.txt')": "ways/one.txt",
    "DATA = HERE / 'more'\ndef f(): return (DATA / 'order').read_text()": "more/order",
    "class A:\n    D = HERE / 'more'\n    def f(self): return (self.D / 'order').read_text()": "more/order",
    "for name in NAMES: (HERE / 'more' / name).read_text()": "more",
    "def f(path='order.txt'): return open(HERE / path)": "order.txt",
    "def f():\n    p = HERE / 'b.txt'\n    p.write_text('')\np = HERE / 'order.txt'\nopen(p)": "order.txt",
    "json.dump((HERE / 'order.txt').read_text(), stream)": "order.txt",
    "(Path.cwd() / 'ways' / 'one.txt').read_text()": "ways/one.txt",
    "open(f'{HERE}/order.txt')": "order.txt",
    "HERE = Path(__file__).parent\ndef f(): return open(f'{HERE}/more/a.json')": "more/a.json",
    "open(os.path.dirname(__file__) + '/order.txt')": "order.txt",
    "KIND = 'a'\nopen(f'{HERE}/more/{KIND}.json')": "more/a.json",
    "for n in NAMES: open(f'{HERE}/more/{n}.json')": "more",
    "open('ways' + '/one.' + 'txt')": "ways/one.txt",
    "N = 'one'\nopen(f'ways/{N}.txt')": "ways/one.txt",
}
NOT_READ = [
    "LOG = HERE / 'order.txt'\ndef f(): LOG.write_text('x')",
    "class A:\n    def f(self): self.log = HERE / 'order.txt'\n    def g(self): self.log.open('a').write('x')",
    "with open('order.txt', 'w') as stream: json.dump(1, stream)",
    "OUT = HERE / 'order.txt'\nif OUT.exists(): np.load(OUT)\nnp.save(OUT, 1)",
    "sqlite3.connect(HERE / 'order.txt')",
    "logging.FileHandler('order.txt')",
    "os.replace(part, HERE / 'order.txt')",
    "C = HERE / 'more'\nC.mkdir()\n(C / f'{x}').write_text('x')",
    "def log(path): open(path, 'a').write('x')\nlog(HERE / 'x.log')",
    "def load(folder): return (folder / 'one.txt').read_text()",  # lies in the working folder
    "(HERE / '.kept' / 'a.txt').read_text()",
    "open('/proc/meminfo').read()",
    "'order.txt'",
    "def f():\n    'order.txt'",
    "WORD = 'more'",
    "open(f'{HERE}/order.txt', 'w')",
    "C = HERE / 'more'\nC.mkdir()\nopen(f'{C}/{x}.txt', 'w').write('x')",
    "print(f'{x} more/order or less')",
    "print('see ' + HERE + ' or more')",
    "a = 'b'\na = a / 'c'\nprint(a, none / 'order')",
    "this is no Python",
]


@pytest.fixture
def code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a file of code may lie, with files beside it and others in the working folder."""
    for name in ("c/order.txt", "c/b.txt", "c/more/order", "c/more/a.json", "c/x.log", "c/.kept/a.txt", "w/one.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("f")
    (tmp_path / "w/ways").mkdir()
    (tmp_path / "w/ways/one.txt").write_text("f")
    monkeypatch.chdir(tmp_path / "w")
    return tmp_path / "c" / "mine.py"


@pytest.mark.parametrize("text", READ)
def test_what_is_read(code: Path, text: str) -> None:
    code.write_text(text)
    assert set(reads.contents([code])) == {READ[text]}


@pytest.mark.parametrize("text", NOT_READ)
def test_what_is_not(code: Path, text: str) -> None:
    code.write_text(text)
    assert reads.contents([code]) == {}


def test_long_calculations_are_no_long_search(code: Path) -> None:
    """Divisions look like paths; each variable of these is made of two others, so there are 2^60 ways through them."""
    lines = [f"x{n} = x{n - 1} / x{n - 2} + f'{{x{n - 1}}}/{{x{n - 2}}}'" for n in range(2, 62)]
    code.write_text("\n".join([*lines, "open(HERE / 'order.txt')"]))
    assert set(reads.contents([code])) == {"order.txt"}


def test_compiled_and_hidden_files_of_a_folder_do_not_count(code: Path) -> None:
    code.write_text("sys.path.insert(0, str(HERE / 'more'))")
    first = reads.contents([code])
    for name in ("__pycache__/a.pyc", ".DS_Store"):
        (code.parent / "more" / name).parent.mkdir(exist_ok=True)
        (code.parent / "more" / name).write_text("x")
    assert reads.contents([code]) == first != {}
    (code.parent / "more/new.txt").write_text("x")
    assert reads.contents([code]) != first


def test_variables_of_shells_and_schedulers_do_not_count() -> None:
    idle = "PWD SHLVL TERM SSH_CONNECTION GITHUB_RUN_ID CI SLURM_JOB_ID LOCAL_RANK OMP_NUM_THREADS MINE_KEY COLUMNS"
    counted = {"MINE_WAY", "PYTHONHASHSEED", "SEED", "LANG", "CUT_PATHS"}
    text = "\n".join(f"os.environ.get({name!r})" for name in [*idle.split(), *counted])
    assert code_variables.asked(ast.parse(text)) == counted
