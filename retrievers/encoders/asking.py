"""Asking a server over HTTP, and asking again where that may help: JSON goes there, JSON comes back.

What counts as an answer is one that arrived whole. A server that is busy (429, 5xx), a connection that is cut, also in
the middle of an answer, and a wait that was too long are tried again, after the time that the server asks for.
"""

import random
import re
import time
import warnings
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple

TRANSIENT = (408, 409, 425, 429, 500, 502, 503, 504)
FIRST_WAIT, LONGEST_WAIT = 0.5, 120.0  # seconds between two tries, where the server names none
LONG, PATIENCE = 30.0, 3600.0  # seconds of a wait that is told, and that a server may ask for


class Answer(NamedTuple):
    """What a server said: the status, its words, their type."""

    status: int
    text: str
    kind: str
    asked: int  # how often


class Asker:
    """Posts JSON to `url`, `tries` times at most, `timeout` seconds each; `key` goes into the header alone.

    `connections` are kept open. Of a long wait there is a warning.
    """

    def __init__(self, url: str, key: str, timeout: float, tries: int, connections: int) -> None:
        import requests
        from requests.adapters import HTTPAdapter

        self.url, self.key, self.timeout, self.tries = url, key, timeout, tries
        self.session = requests.Session()
        self.session.auth = self._sign  # or requests takes a password for this host from a .netrc and sends that
        adapter = HTTPAdapter(pool_connections=connections, pool_maxsize=connections, max_retries=0)
        self.session.mount("http://", adapter)
        self.session.mount("https://", adapter)

    def _sign(self, request: Any) -> Any:
        if self.key:
            request.headers["Authorization"] = f"Bearer {self.key}"
        return request

    def post(self, body: dict[str, Any]) -> Answer:
        """The last answer. Raises ConnectionError, in the words of the library, where there was none."""
        import requests

        for asked in range(1, self.tries + 1):
            wait, last = min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** (asked - 1)), asked == self.tries
            try:
                got = self.session.post(self.url, json=body, timeout=self.timeout, allow_redirects=False)
            except requests.RequestException as error:
                if last or isinstance(error, (ValueError, UnicodeError)):  # of the request itself
                    raise ConnectionError(f"{asked} times over: {error}") from None
            else:
                if last or got.status_code not in TRANSIENT:
                    kind = got.headers.get("content-type", "no type").partition(";")[0]
                    return Answer(got.status_code, got.text, kind, asked)
                wait = _wanted(got.headers.get("retry-after"), wait)
                if wait > PATIENCE:
                    return Answer(got.status_code, f"come back in {wait:.0f} s. {got.text}", "", asked)
            if wait >= LONG:
                warnings.warn(f"{self.url} is asked again in {wait:.0f} s, as it says", stacklevel=2)
            time.sleep(wait + random.random() * min(wait, FIRST_WAIT))  # noqa: S311 - so that not all come back at once
        raise AssertionError("at least one try")


def _wanted(said: str | None, otherwise: float) -> float:
    """Seconds that a Retry-After header asks for, as a number or a date; `otherwise` where it says neither."""
    if said is None:
        return otherwise
    if found := re.fullmatch(r"\s*(\d{1,12}(?:\.\d*)?)\s*s?\s*", said):
        return float(found[1])
    try:
        return max(0.0, parsedate_to_datetime(said).timestamp() - time.time())
    except (ValueError, TypeError, OverflowError):
        return otherwise
