"""Worker processes that decode batches ahead of the training loop, in order and with a time limit.

Of n workers, worker k reads the batches k, k + n, k + 2n ... and sends them through its own pipe. With pipes, no shared
memory is needed, and a killed worker cannot hold a lock.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import pickle
import queue
import select
import signal
import struct
import threading
import time
import traceback
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import suppress
from dataclasses import fields
from itertools import islice
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import torch

from avgdt.data.batch import Batch, collate
from avgdt.data.errors import DataError
from avgdt.errors import AvgdtError
from avgdt.processes import STOPPING, stopping_blocked

if TYPE_CHECKING:
    from avgdt.data.dataset import Clips, ItemKey

SECONDS_A_RECORDING = 600.0
"""Time limit for reading one recording, in seconds, after which a worker is assumed to hang."""
PIPE_BYTES = 2**20
"""Requested capacity of the pipe of a worker, in bytes."""
IGNORED = (signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)
"""Signals from a terminal or scheduler that workers ignore: the main process handles them and ends its workers."""
_LENGTH, _MARK = struct.Struct("q"), struct.Struct("qq")


class BatchOrder(Protocol):
    """Iterable of one list of item keys (epoch, index) per batch, with the same lists in every iteration."""

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[list[ItemKey]]: ...


class WorkerError(DataError):
    """Raised if a worker process is killed, crashes or hangs; the message names the file being read, if any."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(f"{message}; {remedy}, and start the command again")
        self.message = message
        """Description of the problem, without the remedy."""
        self.remedy = remedy
        """Suggestion for the user, appended to the message."""

    def __reduce__(self) -> tuple[type[WorkerError], tuple[str, str]]:
        return type(self), (self.message, self.remedy)


def read_batches(
    clips: Clips, order: BatchOrder, workers: int, pin_memory: bool, seconds: float = SECONDS_A_RECORDING
) -> Generator[Batch, None, None]:
    """Yield the batches of ``order``, read ahead by ``workers`` processes, or by the calling process with 0 workers.

    With ``pin_memory``, batches are in page-locked memory. Raises :class:`WorkerError` if a worker ends early or reads
    one recording for more than ``seconds``. Without workers, the time is not limited.
    """
    pinned: Callable[[Batch], Batch] = Batch.pin_memory if pin_memory else lambda batch: batch
    if workers == 0 or len(order) == 0:
        yield from (pinned(collate([clips[key] for key in keys])) for keys in order)
        return
    pool = _Pool(clips, order, min(workers, len(order)), seconds, pinned)
    try:
        yield from pool.batches()
    finally:
        pool.close()


class _Closed(Exception):
    """Raised in the receiving thread to end it when the pool is closed."""


class _Worker:
    """A worker process that reads batches, and the receiving end of its pipe."""

    def __init__(self, clips: Clips, order: BatchOrder, index: int, count: int, earlier: Sequence[_Worker]) -> None:
        self.clips = clips
        self.results, write_end = os.pipe()
        with suppress(OSError):  # a pipe with less capacity is only slower
            fcntl.fcntl(write_end, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        # Number of items begun, and index of the current item (-1: none). Anonymous memory needs no file in /dev/shm.
        self.mark = mmap.mmap(-1, _MARK.size)
        self.mark[:] = _MARK.pack(0, -1)
        self.begun, self.since = 0, time.monotonic()
        inherited = [self.results, *(worker.results for worker in earlier)]
        arguments = (clips, islice(order, index, None, count), write_end, self.mark, inherited)
        self.process = get_context("fork").Process(target=_work, args=arguments, daemon=True)
        try:
            with stopping_blocked():  # block signals until the child has replaced the inherited handlers
                self.process.start()
        finally:
            os.close(write_end)

    def receive(self, seconds: float, closed: threading.Event) -> Any:
        """Return the next message of the worker; raise :class:`WorkerError` if the process has ended or hangs."""
        (length,) = _LENGTH.unpack(self._bytes(_LENGTH.size, seconds, closed))
        sizes, head = pickle.loads(self._bytes(length, seconds, closed))
        buffers = [self._bytes(size, seconds, closed) for size in sizes]
        return pickle.loads(head, buffers=buffers)

    def _bytes(self, size: int, seconds: float, closed: threading.Event) -> Any:
        array = np.empty(size, dtype=np.uint8)
        rest = memoryview(array)  # type: ignore[arg-type]  # numpy arrays are buffers
        while len(rest):
            if closed.is_set():
                raise _Closed
            if select.select([self.results], [], [], 1.0)[0]:
                read = os.readv(self.results, [rest])
                if read == 0:
                    raise self._ended()
                rest = rest[read:]
            else:
                self._check_alive(seconds)
        return array

    def _check_alive(self, seconds: float) -> None:
        begun, reading = _MARK.unpack(self.mark[:])
        if begun != self.begun or reading < 0:
            self.begun, self.since = begun, time.monotonic()
        elif time.monotonic() - self.since > seconds:
            path = self.clips.entries[reading].path
            raise WorkerError(
                f"{path}: a worker process has been reading it for more than {seconds:g} s", "move this file away"
            )

    def _ended(self) -> WorkerError:
        self.process.join(10)
        code, (_, reading) = self.process.exitcode, _MARK.unpack(self.mark[:])
        where = f" while reading {self.clips.entries[reading].path}" if reading >= 0 else ""
        if code in (-signal.SIGKILL, -signal.SIGTERM):
            how = f"a worker process was killed (signal {-code}){where}, perhaps because memory ran out"
            return WorkerError(how, "free some memory")
        how = f"crashed (signal {-code})" if code is not None and code < 0 else f"ended (exit code {code})"
        return WorkerError(f"a worker process {how}{where}", "move this file away" if where else "free some memory")

    def close(self) -> None:
        """Kill the worker process and free its resources."""
        self.process.kill()
        self.process.join()
        os.close(self.results)
        self.mark.close()


class _Pool:
    """A pool of workers, and a thread that receives their batches while the main thread computes."""

    def __init__(
        self, clips: Clips, order: BatchOrder, count: int, seconds: float, pinned: Callable[[Batch], Batch]
    ) -> None:
        self._order, self._seconds, self._pinned = order, seconds, pinned
        self._workers: list[_Worker] = []
        self._received = queue.Queue[Any](maxsize=1)
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None
        try:
            for index in range(count):
                self._workers.append(_Worker(clips, order, index, count, self._workers))
        except OSError as error:
            self.close()
            raise DataError(f"workers: cannot be started ({error.strerror}); use fewer, or free some memory") from None
        self._thread = threading.Thread(target=self._receive, daemon=True)
        self._thread.start()

    def batches(self) -> Iterator[Batch]:
        """Yield all batches in order; re-raise the exceptions of workers."""
        for _ in range(len(self._order)):
            message = self._received.get()
            if isinstance(message, WorkerError):
                # A scheduler that ends the job also signals this process: wait for that signal, the cause of the error.
                time.sleep(1.0)
            if isinstance(message, BaseException):
                raise message
            yield message

    def _receive(self) -> None:
        try:
            for number in range(len(self._order)):
                message = self._workers[number % len(self._workers)].receive(self._seconds, self._closed)
                self._put(message if isinstance(message, BaseException) else self._pinned(_unpacked(message)))
        except _Closed:
            pass
        except BaseException as error:
            with suppress(_Closed):
                self._put(error)

    def _put(self, message: object) -> None:
        while not self._closed.is_set():
            with suppress(queue.Full):
                self._received.put(message, timeout=0.2)
                return
        raise _Closed

    def close(self) -> None:
        """Kill the workers and end the receiving thread."""
        self._closed.set()
        for worker in self._workers:
            worker.process.kill()
        if self._thread is not None:
            self._thread.join()
        for worker in self._workers:
            worker.close()


def _work(
    clips: Clips, order: Iterator[list[ItemKey]], results: int, mark: mmap.mmap, inherited: Sequence[int]
) -> None:
    """Run a worker process: read the batches of ``order`` and send each batch, or its exception, through the pipe."""
    for number in IGNORED:
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPPING)
    for descriptor in inherited:  # otherwise, workers would not notice the end of the main process
        os.close(descriptor)
    torch.set_num_threads(1)
    outgoing = queue.Queue[Any](maxsize=1)
    sender = threading.Thread(target=_send, args=(outgoing, results), daemon=True)
    sender.start()
    begun = 0
    for keys in order:
        try:
            items = []
            for key in keys:
                begun += 1
                mark[:] = _MARK.pack(begun, key[1])
                items.append(clips[key])
            mark[:] = _MARK.pack(begun, -1)
            message: Any = _packed(collate(items))
        except (AvgdtError, MemoryError) as error:
            message = error
        except Exception:  # the exception may not be picklable, but its traceback is text
            message = RuntimeError(f"a worker process failed\n{traceback.format_exc()}")
        outgoing.put(message)
    outgoing.put(None)
    sender.join()


def _send(outgoing: queue.Queue[Any], results: int) -> None:
    while (message := outgoing.get()) is not None:
        buffers: list[pickle.PickleBuffer] = []
        head = pickle.dumps(message, protocol=5, buffer_callback=buffers.append)
        raw = [buffer.raw() for buffer in buffers]
        body = pickle.dumps(([view.nbytes for view in raw], head))
        try:
            for view in (memoryview(_LENGTH.pack(len(body))), memoryview(body), *raw):
                rest = view
                while len(rest):
                    rest = rest[os.write(results, rest) :]
        except BrokenPipeError:  # the main process has ended
            os._exit(0)


def _packed(batch: Batch) -> dict[str, Any]:
    """Return the fields of a batch, with tensors as NumPy arrays, to send through a pipe."""
    values = ((field.name, getattr(batch, field.name)) for field in fields(batch))
    return {name: value.numpy() if isinstance(value, torch.Tensor) else value for name, value in values}


def _unpacked(message: dict[str, Any]) -> Batch:
    """Return the batch whose fields :func:`_packed` returned."""
    values: dict[str, Any] = {
        name: torch.from_numpy(value) if isinstance(value, np.ndarray) else value for name, value in message.items()
    }
    return Batch(**values)
