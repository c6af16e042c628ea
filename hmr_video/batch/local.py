"""Workers as processes of this machine. One that dies, hangs or runs out of memory takes down one item, not the run."""

import multiprocessing
import os
import pickle
import signal
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, Protocol

from hmr_video.batch.worker import Converter, Outcome, Task, given_up, perform

_TELL_EVERY = 0.5  # seconds between two reports of progress
_CRASHED = "Convert the file alone to see more, or give the batch fewer workers if memory ran out."


@dataclass(frozen=True)
class Finished:
    """A task and what came of it."""

    task: Task
    outcome: Outcome


class Workers(Protocol):
    """Something that performs tasks side by side: processes of this machine, or actors of a cluster."""

    def free(self) -> int:
        """How many tasks may be started now."""
        ...

    def start(self, task: Task) -> None: ...

    def wait(self, seconds: float) -> list[Finished]:
        """What finished meanwhile; returns as soon as there is something, at the latest after ``seconds``."""
        ...

    def running(self) -> dict[str, int]:
        """Name -> frames so far, of the tasks in work."""
        ...

    def close(self) -> None:
        """Ends all workers at once; their tasks are given up."""
        ...


@dataclass(frozen=True)
class Share:
    """A worker's part of the machine: its processors (None: all of them) and its GPU."""

    processors: tuple[int, ...] | None = None
    gpu: int | None = None

    def claim(self) -> None:
        """Keeps this process to its part; to be called before torch is imported."""
        if self.gpu is not None:
            os.environ["CUDA_VISIBLE_DEVICES"] = str(self.gpu)
        if self.processors is not None:
            os.environ["OMP_NUM_THREADS"] = str(len(self.processors))
            if hasattr(os, "sched_setaffinity"):
                os.sched_setaffinity(0, self.processors)


def default_workers(gpus: int) -> int:
    """One per GPU, or one for every four processors: the detector uses that many well."""
    return gpus or max(1, len(_processors()) // 4)


def shares(workers: int, gpus: int) -> list[Share]:
    """The machine divided among ``workers``: processors in equal parts, GPUs in turn."""
    processors = _processors()
    size = max(1, len(processors) // workers)
    parts = [tuple(processors[(index * size + k) % len(processors)] for k in range(size)) for index in range(workers)]
    return [Share(parts[index] if workers > 1 and not gpus else None, index % gpus if gpus else None) for index in range(workers)]


def _processors() -> list[int]:
    """The processors that this process may use."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else list(range(os.cpu_count() or 1))


class LocalWorkers:
    """One process per share of the machine, started when first needed. ``timeout``: seconds that one task may take."""

    def __init__(self, converter: Converter, parts: Sequence[Share], timeout: float | None) -> None:
        self._program = pickle.dumps(converter)
        self._timeout = timeout
        self._idle: list[_Worker] = []
        self._busy: list[_Worker] = []
        self._parts = list(reversed(parts))

    def free(self) -> int:
        return len(self._idle) + len(self._parts)

    def start(self, task: Task) -> None:
        worker = self._idle.pop() if self._idle else None
        if worker is not None and not worker.process.is_alive():
            worker.kill()
            self._parts.append(worker.share)
            worker = None
        worker = worker or _Worker(self._program, self._parts.pop())
        worker.begin(task)
        self._busy.append(worker)

    def wait(self, seconds: float) -> list[Finished]:
        watched = [handle for worker in self._busy for handle in (worker.connection, worker.process.sentinel)]
        wait(watched, seconds)
        finished = []
        for worker in list(self._busy):
            outcome = worker.poll(self._timeout)
            if outcome is not None:
                assert worker.task is not None
                finished.append(Finished(worker.task, outcome))
                self._busy.remove(worker)
                if outcome.crashed:
                    worker.kill()
                    self._parts.append(worker.share)
                else:
                    self._idle.append(worker)
        return finished

    def running(self) -> dict[str, int]:
        return {worker.task.name: worker.frames for worker in self._busy if worker.task}

    def close(self) -> None:
        for worker in self._busy + self._idle:
            worker.kill()
        self._busy, self._idle = [], []


class _Worker:
    """The parent's side of one process."""

    def __init__(self, program: bytes, share: Share) -> None:
        context = multiprocessing.get_context("spawn")
        self.share = share
        self.task: Task | None = None
        self.frames = 0
        self._begun: float | None = None
        self.connection, other = context.Pipe()
        self.process: BaseProcess = context.Process(target=_serve, args=(other, program, share), daemon=True)
        self.process.start()
        other.close()

    def begin(self, task: Task) -> None:
        self.task, self.frames, self._begun = task, 0, None
        try:
            self.connection.send(task)
        except OSError:  # it died while idle, which poll() will find
            return

    def poll(self, timeout: float | None) -> Outcome | None:
        """What came of the task, None while it is in work."""
        try:
            while self.connection.poll():
                message: Any = self.connection.recv()
                if isinstance(message, Outcome):
                    return message
                self._begun = self._begun or time.monotonic()
                self.frames += message
        except (EOFError, OSError, pickle.UnpicklingError):
            return self._crash()
        if not self.process.is_alive() and not self.connection.poll():
            return self._crash()
        if timeout is not None and self._begun is not None and time.monotonic() - self._begun > timeout:
            return given_up(timeout)
        return None

    def kill(self) -> None:
        self.process.kill()
        self.process.join()
        self.connection.close()

    def _crash(self) -> Outcome:
        self.process.join(5)
        return Outcome("failed", f"The worker {_way_of_dying(self.process.exitcode)}.", _CRASHED, 1, crashed=True, retry=True)


def _way_of_dying(code: int | None) -> str:
    if code is None or code >= 0:
        return f"ended unasked (code {code})"
    name = signal.Signals(-code).name if -code in signal.Signals.__members__.values() else str(-code)
    return f"was killed by signal {name}" + (" (out of memory?)" if name == "SIGKILL" else "")


def _serve(connection: Connection, program: bytes, share: Share) -> None:
    """The child's side: performs tasks until the parent is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches every process of the terminal; the parent decides
    share.claim()
    _be_silent()
    threading.Thread(target=_die_with_parent, daemon=True).start()
    converter: Converter = pickle.loads(program)  # imports torch, so it comes after the claim
    while True:
        try:
            task = connection.recv()
        except EOFError:
            return
        connection.send(perform(task, converter, _Throttle(connection)))


class _Throttle:
    """Sends on counts of frames, not more often than the parent wants to know."""

    def __init__(self, connection: Connection) -> None:
        self._connection, self._count, self._reported_at = connection, 0, time.monotonic()

    def __call__(self, count: int) -> None:
        self._count += count
        if count == 0 or time.monotonic() - self._reported_at > _TELL_EVERY:
            self._connection.send(self._count)
            self._count, self._reported_at = 0, time.monotonic()


def _die_with_parent() -> None:
    """A worker whose run was killed must not go on writing into a folder that another run may hold by now."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
    os._exit(1)


def _be_silent() -> None:
    """Libraries that print would tear the parent's table apart."""
    sys.stdout.flush()
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    os.close(silence)
