"""Workers as Ray actors, on one machine or many. They see the same files by the same paths: a shared file system.

Ray places them, one video each at a time; results come back as outcomes, never as frames.
"""

import logging
import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hmr_video.assets import go_offline, is_offline
from hmr_video.batch.local import Finished
from hmr_video.batch.worker import Converter, Outcome, Task, given_up, perform
from hmr_video.errors import UsageError, missing_extra

_LOST = "The machine may have gone or run out of memory; convert the file alone to see more."


class _Actor:
    """A worker in another process, perhaps on another machine."""

    def __init__(self, converter: Converter, folder: str, offline: bool) -> None:
        os.chdir(folder)  # so that relative paths mean what they mean where the run was started
        if offline:
            go_offline()
        self._converter = converter

    def prepare(self) -> None:
        """Loads the models. Why that fails, if it does, is reported by the task that comes next."""
        with suppress(Exception):
            self._converter.prepare()

    def perform(self, task: Task) -> Outcome:
        return perform(task, self._converter, lambda count: None)


@dataclass
class _Running:
    actor: Any
    task: Task
    prepared: Any  # reference that is ready when the actor has its models
    begun: float | None = None


class RayWorkers:
    """Up to ``count`` actors (None: as many as the cluster's resources allow) at ``address`` (None: this machine alone).

    ``cpus``, ``gpus``: what Ray reserves for one, fractions allowed.
    ``timeout``: seconds that a task may take from when its actor is there and has its models. An actor that dies is replaced.
    Raises UsageError without Ray, without a cluster at ``address``, and when the cluster has no room for a worker.
    """

    def __init__(
        self, converter: Converter, address: str | None, cpus: float, gpus: float, count: int | None, timeout: float | None
    ) -> None:
        self._ray = _connect(address)
        self._mine = address is None
        actor = self._ray.remote(_Actor).options(num_cpus=cpus, num_gpus=gpus, max_restarts=0, max_task_retries=0)
        program = self._ray.put(converter)
        self._make: Callable[[], Any] = lambda: actor.remote(program, str(Path.cwd()), is_offline())
        self._timeout = timeout
        self._idle: list[Any] = []
        self._running: dict[Any, _Running] = {}
        self._room = count or self._capacity(cpus, gpus)

    def free(self) -> int:
        return self._room - len(self._running)

    def start(self, task: Task) -> None:
        actor = self._idle.pop() if self._idle else self._make()
        prepared = actor.prepare.remote()  # an actor does one thing after the other
        self._running[actor.perform.remote(task)] = _Running(actor, task, prepared)

    def wait(self, seconds: float) -> list[Finished]:
        ready, _ = self._ray.wait(list(self._running), num_returns=1, timeout=seconds)
        finished = [self._collect(reference) for reference in ready]
        late = [] if self._timeout is None else [ref for ref, one in self._running.items() if self._is_late(one)]
        return finished + [self._give_up(reference) for reference in late]

    def running(self) -> dict[str, int]:
        return {one.task.name: 0 for one in self._running.values()}

    def close(self) -> None:
        for actor in self._idle + [one.actor for one in self._running.values()]:
            self._ray.kill(actor)
        self._idle, self._running = [], {}
        if self._mine:
            self._ray.shutdown()

    def _collect(self, reference: Any) -> Finished:
        one = self._running.pop(reference)
        try:
            outcome: Outcome = self._ray.get(reference)
        except self._ray.exceptions.RayActorError as error:
            reason = f"The worker died ({type(error).__name__})."
            return Finished(one.task, Outcome("failed", reason, _LOST, 1, crashed=True, retry=True))
        self._idle.append(one.actor)
        return Finished(one.task, outcome)

    def _is_late(self, one: _Running) -> bool:
        if one.begun is None and self._ray.wait([one.prepared], timeout=0)[0]:
            one.begun = time.monotonic()
        return self._timeout is not None and one.begun is not None and time.monotonic() - one.begun > self._timeout

    def _give_up(self, reference: Any) -> Finished:
        one = self._running.pop(reference)
        self._ray.kill(one.actor)
        assert self._timeout is not None
        return Finished(one.task, given_up(self._timeout))

    def _capacity(self, cpus: float, gpus: float) -> int:
        there = self._ray.cluster_resources()
        fits = [int(there.get(name, 0) / share) for name, share in (("CPU", cpus), ("GPU", gpus)) if share > 0]
        if min(fits) < 1:
            self.close()
            raise UsageError(
                f"The cluster has no room for a worker of {cpus:g} processors and {gpus:g} GPUs.",
                "Ask for less with --cpus-per-worker and --gpus-per-worker.",
            )
        return min(fits)


def _connect(address: str | None) -> Any:
    """The module `ray`, connected, its reporting of usage switched off. Raises UsageError."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    try:
        import ray
    except ImportError as error:
        raise missing_extra("cluster", "Ray") from error
    if ray.is_initialized():
        return ray
    try:
        settings: dict[str, Any] = {"address": address} if address else {"address": "local", "include_dashboard": False}
        ray.init(**settings, log_to_driver=False, logging_level=logging.ERROR)
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise UsageError(
            f"There is no Ray cluster at {address}.", "Check --address, or start one with `ray start --head`."
        ) from error
    return ray
