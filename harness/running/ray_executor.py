"""Many systems on many datasets on a Ray cluster: looks, surveys, parts of indexes and results are its tasks.

The driver only plans: what must wait for what. A fusion waits for the systems it fuses, a result for the parts of its
index, and of the pairs that share an index all wait for the first. Ray does a task again whose worker or node is lost.
"""

import asyncio
import logging
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.errors import HarnessError
from harness.host import log, progress
from harness.results import manifest
from harness.running import failures, forecast, ray_tasks
from harness.running.attempt import Become, again, attempt
from harness.running.job import Job
from harness.running.plan import Key, Pair, waits_for
from harness.running.ray_tasks import Look
from harness.running.runner import Attempted
from harness.running.suites import System

RETRIES = 3  # of a task whose worker or node is lost, or that met an OSError


def run_all(
    todo: Sequence[Pair], job: Job, *, finished: Become | None = None, address: str | None = None
) -> list[Attempted]:
    """As the local executor's, on the cluster at `address`: Ray's default is the one it finds, else this machine.

    Raises HarnessError where Ray is not installed or the cluster cannot be reached.
    """
    folders = job.folders
    sizes = forecast.sizes(todo, folders.data_dirs, folders.cache)
    begun = log.opened(folders.results, command=sys.argv, cache=str(folders.cache), pairs=sizes)
    with begun, connected(address) as ray:
        return asyncio.run(_Cluster(ray, job, todo, finished).run())


@contextmanager
def connected(address: str | None) -> Iterator[Any]:
    """The package `ray`, connected to a cluster; one that was connected to before stays so."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is told to anybody
    try:
        import ray
    except ModuleNotFoundError as error:
        raise HarnessError("--executor ray needs the package ray: pip install 'beir-harness[ray]'") from error
    if ray.is_initialized():
        yield ray
        return
    try:
        ray.init(address=address, include_dashboard=False, log_to_driver=False, logging_level=logging.WARNING)
    except Exception as error:  # Ray has no type of its own for it
        where = f"at {address}" if address else "on this machine"
        raise HarnessError(f"no Ray cluster {where}: {error}") from error
    try:
        yield ray
    finally:
        ray.shutdown()


def needs(look: Look, nodes: Sequence[dict[str, float]], asked: dict[str, float]) -> dict[str, float]:
    """CPUs and GPUs of one task of a system, of what the nodes of the cluster have.

    What is `asked` for in the suite; else a GPU where there is one and the retriever takes a device other than the CPU;
    else as many CPUs as it has threads.
    """
    if asked:
        return {"num_cpus": asked.get("cpus", 1.0), "num_gpus": asked.get("gpus", 0.0)}
    cpus = max((node.get("CPU", 0.0) for node in nodes), default=1.0)
    if look.takes.get("device", "cpu") != "cpu" and any(node.get("GPU", 0) >= 1 for node in nodes):
        return {"num_cpus": min(1.0, cpus), "num_gpus": 1.0}
    return {"num_cpus": min(float(max(1, look.takes.get("threads") or 1)), cpus), "num_gpus": 0.0}


def slots(need: dict[str, float], nodes: Sequence[dict[str, float]]) -> int:
    """How many such tasks the cluster can do at the same time."""
    kinds = [(kind, need[name]) for kind, name in (("CPU", "num_cpus"), ("GPU", "num_gpus")) if need[name]]
    return sum(min((int(node.get(kind, 0) // amount) for kind, amount in kinds), default=1) for node in nodes)


@dataclass
class _Cluster:
    """One run on the cluster; `first` is the pair that makes an index, by what the index depends on."""

    ray: Any
    job: Job
    todo: Sequence[Pair]
    finished: Become | None
    first: dict[tuple[str, str], asyncio.Task] = field(default_factory=dict)
    failed: set[Key] = field(default_factory=set)
    told: set[str] = field(default_factory=set)

    async def run(self) -> list[Attempted]:
        """One Attempted a pair, in the order of `todo`."""
        systems = list({repr(pair.system): pair.system for pair in self.todo}.values())
        self.nodes = [node["Resources"] for node in self.ray.nodes() if node["Alive"]]
        self.room = asyncio.Semaphore(max(2, int(sum(node.get("GPU") or node.get("CPU", 0) for node in self.nodes))))
        names = dict.fromkeys(pair.name for pair in self.todo)
        self.surveys = {name: asyncio.ensure_future(self._survey(name)) for name in names}
        found = await asyncio.gather(*(self._look(system) for system in systems))
        self.looks = {repr(system): look for system, look in zip(systems, found, strict=True)}
        needed: dict[str, list[str]] = {}
        for system, look in zip(systems, found, strict=True):
            needed.setdefault(system.tag, []).extend(look.requires)
        self.after = waits_for(needed)
        for system in systems:
            if not slots(need := self._needs(system), self.nodes):
                progress.say(f"{system.tag} waits for a node that has {_amounts(need)}; none of the cluster has")
        suite = progress.bar("suite", "results", len(self.todo), level=0)
        with suite as bar, progress.bar("indexes", "parts", 0) as parts:
            self.results, self.parts = bar, parts
            self.pairs: dict[Key, asyncio.Task] = {}
            for pair in self.todo:
                self.pairs[pair.key] = asyncio.create_task(self._pair(pair))
            return await asyncio.gather(*(self.pairs[pair.key] for pair in self.todo))

    async def _pair(self, pair: Pair) -> Attempted:
        name, system = pair
        if before := [self.pairs[name, tag] for tag in self.after[system.tag] if (name, tag) in self.pairs]:
            await asyncio.wait(before)
        docs, collection = await self.surveys[name]
        look, me = self.looks[repr(system)], asyncio.current_task()
        assert me
        if (maker := self.first.setdefault((look.index_of, collection), me)) is not me:
            await asyncio.wait([maker])
        async with self.room:
            parts = docs if maker is me and (self.job.overwrite or not self._finished(system, name)) else 0
            outcome = await self._attempt(pair, parts)
            for one in again(outcome, pair, self.todo, self.failed):
                outcome = await self._attempt(one)
        self.results.update()
        if outcome.status == "failed":
            self.failed.add(pair.key)
        return outcome

    async def _attempt(self, pair: Pair, docs: int = 0) -> Attempted:
        """An attempt on the cluster, with parts of its index ahead where its documents are counted."""
        with attempt(pair, self.finished, self.told) as become:
            if docs:
                await self._make_parts(pair.system, pair.name, docs)
            become(outcome := await self._outcome(pair.system, pair.name))
        return outcome

    async def _make_parts(self, system: System, name: str, docs: int) -> None:
        look, need = self.looks[repr(system)], self._needs(system)
        pieces = -(-docs // look.piece_docs) if look.piece_docs else 1
        if look.requires or (count := min(pieces, slots(need, self.nodes))) < 2:
            return
        self.parts.total = (self.parts.total or 0) + count

        async def make(number: int) -> None:
            try:
                await self._task(ray_tasks.part, system, name, number, count, need=need)
            except Exception as error:
                told = _told(error)
                progress.say(
                    f"part {number + 1} of {count} of {system.tag} on {name} failed, and is made later: {told}"
                )
            self.parts.update()

        await asyncio.gather(*(make(number) for number in range(count)))

    async def _outcome(self, system: System, name: str) -> Attempted:
        need, folders = self._needs(system), self.job.folders
        try:
            return await self._task(ray_tasks.pair, system, name, self.job, need=need)
        except self.ray.exceptions.RayTaskError as error:  # of the code itself: its traceback is the text
            if isinstance(error.cause, HarnessError):
                message = str(error.cause)
            else:
                error.cause.add_note(str(error))
                message = failures.told(error.cause, folders.result(system.tag, name), folders.cache)
        except self.ray.exceptions.RayError as error:
            message = f"its process or node was lost {RETRIES + 1} times: {_told(error)}"
        return Attempted(system.tag, name, "failed", message=message)

    def _needs(self, system: System) -> dict[str, float]:
        return needs(self.looks[repr(system)], self.nodes, system.resources)

    async def _look(self, system: System) -> Look:
        try:
            return await self._task(ray_tasks.look, system, need={"num_cpus": 1.0, "num_gpus": 0.0})
        except Exception:  # every result of the system will say why
            return Look((), system.tag, 0, {})

    async def _survey(self, name: str) -> tuple[int, str]:
        try:
            return await self._task(ray_tasks.survey, name, need={"num_cpus": 1.0, "num_gpus": 0.0})
        except Exception:  # likewise
            return 0, name

    def _task(self, function: Any, *arguments: Any, need: dict[str, float]) -> Any:
        """What can be awaited: one task on the cluster. Raises what the function raises, or Ray's word for a loss."""
        options = {"max_retries": RETRIES, "retry_exceptions": [OSError], **need}
        return self.ray.remote(**options)(function).remote(Path.cwd(), self.job.folders, *arguments)

    def _finished(self, system: System, name: str) -> bool:
        return (self.job.folders.result(system.tag, name) / manifest.NAME).exists()


def _amounts(need: dict[str, float]) -> str:
    names = {"num_cpus": "CPUs", "num_gpus": "GPUs"}
    return " and ".join(f"{amount:g} {names[kind]}" for kind, amount in need.items() if amount)


def _told(error: BaseException) -> str:
    """The last line of an error; Ray's hold whole tracebacks."""
    lines = str(getattr(error, "cause", None) or error).strip().splitlines()
    return f"{type(error).__name__}: {lines[-1] if lines else ''}"
