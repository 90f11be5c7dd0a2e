"""How valid files are spoiled: bytes flipped, cut, doubled and spliced, and structures bent where they hurt.

Everything is drawn from a `random.Random` that the caller seeds, so a finding can be made again.
"""

import gzip
import io
import json
import random
import struct
import zipfile
from collections.abc import Sequence
from typing import Any

WORDS = [
    *(
        b"\x00",
        b"\r",
        b"\n",
        b"\r\n",
        b"\t",
        b" ",
        b'"',
        b"'",
        b"\\",
        b"/",
        b"..",
        b"../",
        b"\xef\xbb\xbf",
        b"\xff\xfe",
    ),
    *(
        b"\xed\xa0\x80",
        b"\xf0\x9f\xa6\x8a",
        b"\xc2\x85",
        b"\xe2\x80\xa8",
        b"\x1b[31m",
        b"\x1f\x8b",
        b"\\ud800",
        b"\\u0000",
    ),
    *(
        b"NaN",
        b"Infinity",
        b"-inf",
        b"1e999",
        b"-0",
        b"0x10",
        b"1_0",
        b"null",
        b"true",
        b"{}",
        b"[]",
        b"{",
        b"[",
        b"]",
        b"}",
    ),
    *(
        b"9" * 400,
        b"9" * 5000,
        b"[" * 2000,
        b'{"a":' * 2000,
        b"a." * 300,
        b"A" * 300,
        b"_id",
        b"schema",
        b"scores",
        b"#",
        b"=",
    ),
]
NASTY: list[Any] = [
    *(None, True, False, 0, 1, -1, 2, 99, 2**31, 2**63, 2**64, 10**400, 0.5, 1e308, float("nan"), float("inf"), -0.0),
    *("", " ", "a", "../../x", "/etc/passwd", "\x00", "\ud800", "\u2028", "<script>", "x" * 300, "ndcg@10", "map", "1"),
    *([], {}, [[]], {"": {}}, [1, "a", None], {"name": "x"}, {"ndcg@10": 2}, {"__proto__": 1}),
]
NAMES = [
    *(
        "../x.txt",
        "/x.txt",
        "a/../../x.txt",
        "C:/x.txt",
        "..\\x.txt",
        "a",
        "a/",
        "a/b.txt",
        "a/b.txt/c.txt",
        "",
        ".",
        "./x.txt",
    ),
    *("x" * 300 + ".txt", "a//b.txt", "con.txt", "a\x00b.txt", "é.txt", "~/x.txt", "-rf.txt", "a/./b.txt"),
]


def spoiled(dice: random.Random, seeds: Sequence[bytes], packed: bool) -> bytes:
    """One spoiled file made from `seeds`; with `packed` the spoiling happens before or after gzip."""
    data = dice.choice(seeds)
    for _ in range(dice.choice((1, 1, 2, 4, 8))):
        data = bend(dice, data) if dice.random() < 0.4 else strike(dice, data, seeds)
    if packed:
        data = gzip.compress(data, 1)
        if dice.random() < 0.3:
            data = strike(dice, data, seeds)
    return data


def strike(dice: random.Random, data: bytes, seeds: Sequence[bytes] = ()) -> bytes:
    """One blow at the level of bytes."""
    at, kind = dice.randrange(len(data) + 1), dice.randrange(7)
    end = min(len(data), at + dice.choice((1, 1, 2, 4, 16, 64)))
    if kind == 0:  # other bytes
        return data[:at] + dice.randbytes(end - at) + data[end:]
    if kind == 1:  # one bit
        return data[:at] + bytes([data[at] ^ (1 << dice.randrange(8))]) + data[at + 1 :] if at < len(data) else data
    if kind == 2:  # cut out
        return data[:at] + data[end:]
    if kind == 3:  # cut off
        return data[:at]
    if kind == 4:  # say it again elsewhere
        to = dice.randrange(len(data) + 1)
        return data[:to] + data[at:end] + data[to:]
    if kind == 5 and seeds:  # the head of one file, the tail of another
        other = dice.choice(seeds)
        return data[:at] + other[dice.randrange(len(other) + 1) :]
    return data[:at] + dice.choice(WORDS) + data[end if dice.random() < 0.5 else at :]


def bend(dice: random.Random, data: bytes) -> bytes:
    """One change of the structure, where there is one: a JSON value, a line of JSON, a column, a member of a zip."""
    if data.startswith(b"PK"):
        return _bent_zip(dice, data)
    try:
        return _written(_bent_value(dice, json.loads(data)))
    except (ValueError, RecursionError):
        pass
    lines = data.split(b"\n")
    at = dice.randrange(len(lines))
    try:
        lines[at] = _written(_bent_value(dice, json.loads(lines[at])))
    except (ValueError, RecursionError):
        lines[at] = _bent_columns(dice, lines[at])
    if dice.random() < 0.2:
        lines.insert(dice.randrange(len(lines) + 1), dice.choice(lines))
    return b"\n".join(lines)


def _written(value: Any) -> bytes:
    return json.dumps(value).encode()


def _bent_value(dice: random.Random, value: Any) -> Any:
    """`value` with a nasty one somewhere in it, or with a key renamed, lost or doubled."""
    if isinstance(value, dict) and value and dice.random() < 0.85:
        key = dice.choice(list(value))
        deed = dice.random()
        if deed < 0.15:
            return {name: inner for name, inner in value.items() if name != key}
        if deed < 0.25:
            return {**value, str(dice.choice(NASTY)): value[key]}
        return {**value, key: _bent_value(dice, value[key])}
    if isinstance(value, list) and value and dice.random() < 0.85:
        at = dice.randrange(len(value))
        return [*value[:at], _bent_value(dice, value[at]), *value[at + dice.randrange(2) :]]
    return dice.choice(NASTY)


def _bent_columns(dice: random.Random, line: bytes) -> bytes:
    separator = b"\t" if b"\t" in line else b" "
    columns = line.split(separator)
    columns[dice.randrange(len(columns))] = dice.choice(WORDS)
    if dice.random() < 0.2:
        columns.insert(dice.randrange(len(columns) + 1), dice.choice(columns))
    return separator.join(columns)


def _bent_zip(dice: random.Random, data: bytes) -> bytes:
    """The same archive with another member, or one of its bytes' fields changed."""
    if dice.random() < 0.3:
        return strike(dice, data)
    buffer = io.BytesIO(data)
    info = zipfile.ZipInfo(dice.choice(NAMES))
    info.external_attr = dice.choice((0, 0o100644, 0o120777, 0o010644, 0o040755, 0o060600)) << 16
    info.compress_type = dice.choice(
        (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2)
    )
    try:
        with zipfile.ZipFile(buffer, "a") as file:
            file.writestr(info, dice.choice((b"", b"text", b"/etc/passwd", b"0" * 5000, b"../.." * 9)))
    except (zipfile.BadZipFile, struct.error, ValueError, NotImplementedError, OSError, RuntimeError, EOFError):
        return strike(dice, data)
    return buffer.getvalue()
