"""The retriever contract: all that a plugin has to offer.

A retriever is a class. Its constructor takes keyword arguments with defaults, each one a value that JSON can carry;
they are its hyper-parameters, and they are recorded with every result. It does three things, always in this order,
`load` and `search` possibly in another process than `index`:

`index(docs, folder)` reads the stream of documents once (no `len`, no second pass) and leaves what it needs in
`folder`, writing nowhere else. The folder may hold the pieces of an interrupted call on the same documents; they may
be kept.

`load(folder)` makes a fresh instance ready to search. It always runs before `search`, also right after `index`.

`search(queries, k)` yields for each query, in the order given, at most k distinct documents with finite scores, higher
is better. Fewer than k is fine, and so is none. Order within a query does not matter: the harness sorts, breaks ties,
drops a query's own document where the dataset says so, writes, times and scores.

`runtime` names the arguments that change speed and never the ranking (device, batch size, threads); all the others are
part of the identity of an index and of a result. More may be there, and are used where they are:

`search_only` names the arguments that `index` does not look at, so that one index serves all their values.

`fingerprint()` gives as JSON what the arguments point at (the hash of a checkpoint's files, the revision of a model),
so that another content under the same name is another index. `content` names the arguments that only say where that
is: as text (a path, a name) they are no part of the identity of an index or a result, so that a checkpoint is the same
wherever it lies, and a path is recorded by its last part alone.

`sources()` lists the files and folders that `fingerprint` rests on, or gives None where it can't: while these and the
plugin's code are as they were, a finished result is told without loading anything.

`facts()` gives as JSON what is worth knowing of the loaded state (dimensions, parameters, tokens a second); the harness
copies it into the manifest. Its `notes`, a list of sentences, are told with the result.

`index_part(docs, folder, part, parts)` does some of the work of `index` ahead of it: where an index consists of pieces
of `shard_docs` documents (an attribute of the class, which a test may make small), it makes those whose number leaves
the rest `part` when divided by `parts`, and nothing else; there may be none. Calls for several parts run at the same
time, in other processes or on other machines that share the folder; one that was cut short is made again, or never.
One that comes late, to an index that is complete, leaves it so. `index` is called after them as ever, with the same
result as without them, and makes whatever is missing, also in an index that was complete once: the harness removes
files that no longer have their checksum. An index that is not made of pieces is made anew as a whole, unless the class
says by `mends = True` that `index` makes missing files here too; what a search has left in the folder then stays.

A retriever that reads documents ahead of its work says how far it is through `harness.work`: bar, log and estimate go
by that; without it by what has been read.

`needs(docs, arguments)`, a classmethod, forecasts what an index of so many documents takes: a dict of bytes, `disk` and
`memory`, either of which may be left out, and of what is sent to servers that bill, `tokens` and `usd`. `arguments` are
all of them, defaults included; nothing is to be loaded.

`sends(docs, arguments)`, a classmethod, says what sending these documents to a server takes: `tokens`, `usd`, and in
words `how` it was found. The forecast asks it for a sample of the collection.

`billed` is what servers have billed for an instance's work so far, such as `{"tokens": 12, "usd": 0.1}`: after `index`
with what earlier calls on the same folder were billed for. It is recorded with the costs of index and of search.

`advice(docs)` may give a sentence before so many documents are indexed, such as what another argument would save; it is
said only where the index has to be made.

`explain(query, doc)` takes the score of a query's text and a document apart: pairs of a name and what it gave, which
sum to the score. It needs no index; `compare --query ID --explain` prints it.

`inputs(arguments)`, a classmethod, gives the tags of other systems whose runs it needs with these arguments; their run
files of the same dataset lie as `runs/<tag>.trec.gz` in the folder when `index` is called, and of the systems of one
suite they come first. This is how a fusion of systems is a retriever like any other. Where only an instance knows the
tags, its attribute `requires` lists them.

`rows(arguments)`, a classmethod, says which rows of a table these arguments stand for: a list of dicts of arguments,
each put in place of those given. Rows that differ in `search_only` arguments share an index, and work that one of them
leaves in its folder is found by the next; `earlier_s` are then the seconds of search that an instance did not spend,
as it found their work done, and the harness adds them to what the search cost.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import ClassVar, Protocol, runtime_checkable

from harness.records import Doc, Query, ScoredDoc


@runtime_checkable
class Retriever(Protocol):
    """See the module's text. A class needs no base class; it only has to have these."""

    runtime: ClassVar[frozenset[str]] = frozenset()

    def index(self, docs: Iterable[Doc], folder: Path) -> None: ...

    def load(self, folder: Path) -> None: ...

    def search(self, queries: Iterable[Query], k: int) -> Iterator[ScoredDoc]: ...
