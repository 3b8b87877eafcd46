"""The processes of distributed training, one per device, started by ``torchrun`` or by a scheduler."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from typing import Any

import torch
import torch.distributed as dist

from avgdt.models.precision import resolve_device
from avgdt.processes import rank_from_environment
from avgdt.training.errors import RankFailed, TrainingError

PATIENCE = timedelta(days=2)
"""Timeout for ranks that wait while rank 0 inspects files or measures held-out recordings."""
STEP_PATIENCE = timedelta(seconds=60)
"""Timeout for GPUs that wait for each other within a training step."""
_REASON = "avgdt/failure"


@dataclass(frozen=True)
class Ranks:
    """Rank and world size of this process, and collective operations, which do not communicate in a single process."""

    rank: int = 0
    """Index of this process, from 0; only rank 0 writes files and messages."""
    size: int = 1
    """Number of processes on all machines."""
    control: Any = None
    """Process group (gloo) for small values on the CPU and for long waits."""

    def portion(self, count: int) -> range:
        """Return the consecutive indices below ``count`` that are assigned to this rank.

        The numbers of indices per rank differ by at most one.
        """
        return self.portions(count)[self.rank]

    def portions(self, count: int) -> list[range]:
        """Return the :meth:`portion` of every rank, in rank order."""
        bounds = [count * rank // self.size for rank in range(self.size + 1)]
        return [range(first, end) for first, end in pairwise(bounds)]

    def gather_objects(self, value: Any) -> list[Any]:
        """Gather a picklable value from every rank, in rank order."""
        if self.size == 1:
            return [value]
        every: list[Any] = [None] * self.size
        dist.all_gather_object(every, value, group=self.control)
        return every

    def broadcast(self, value: Any) -> Any:
        """Broadcast a picklable value from rank 0 to all ranks, and return it."""
        if self.size == 1:
            return value
        values = [value]
        dist.broadcast_object_list(values, src=0, group=self.control)
        return values[0]

    def gather_rows(self, rows: torch.Tensor, counts: Sequence[int]) -> torch.Tensor:
        """Gather the rows (n, ...) of all ranks, concatenated by rank; ``counts`` holds the number n of each rank."""
        if self.size == 1:
            return rows
        most = max(counts)
        padded = torch.cat([rows, rows.new_zeros(most - len(rows), *rows.shape[1:])]) if len(rows) < most else rows
        every = [torch.empty_like(padded) for _ in range(self.size)]
        dist.all_gather(every, padded.contiguous())
        return torch.cat([part[:count] for part, count in zip(every, counts, strict=True)])

    @torch.no_grad()
    def add_up(self, tensors: Sequence[torch.Tensor]) -> None:
        """Sum each of ``tensors`` over all ranks, in place, with a single all-reduce."""
        if self.size == 1 or not tensors:
            return
        flat = torch.cat([tensor.flatten() for tensor in tensors])
        dist.all_reduce(flat)
        parts = torch.split(flat, [tensor.numel() for tensor in tensors])
        torch._foreach_copy_(list(tensors), [p.view_as(t) for p, t in zip(parts, tensors, strict=True)])

    def exchange_rows(self, rows: torch.Tensor, sent: Sequence[int], received: Sequence[int]) -> torch.Tensor:
        """Send uint8 ``rows`` (n, bytes) to all ranks, and return the rows received from them.

        The first ``sent[0]`` rows are sent to rank 0, the next ``sent[1]`` rows to rank 1, and so on. ``received``
        holds the number of rows that each rank sends to this rank.
        """
        out = rows.new_empty(sum(received), rows.shape[1])
        width = rows.shape[1]
        dist.all_to_all_single(
            out.flatten(), rows.flatten(), [width * count for count in received], [width * count for count in sent]
        )
        return out

    @contextmanager
    def guarded(self) -> Iterator[None]:
        """Return a context manager that raises :class:`RankFailed` if an exchange between ranks fails.

        Errors of the computation on this rank are raised unchanged.
        """
        try:
            yield
        except RuntimeError as error:
            if self.size == 1 or not _of_connection(error):
                raise
            reason = self.failure(5.0) or "another process has ended without a message, perhaps for lack of memory"
            raise RankFailed(reason) from None

    def wait(self) -> None:
        """Wait until every rank has called this method, or until a rank has ended."""
        if self.size > 1:
            with suppress(RuntimeError):
                dist.barrier(group=self.control)

    def report(self, error: BaseException) -> None:
        """Report ``error``, which ends this rank, to the other ranks.

        ``error.reported`` is set to whether another rank has already reported an error. If all ranks raise the same
        error, the error of rank 0 is reported, since the messages of rank 0 are the most helpful.
        """
        first = not (self.rank and self.failure(2.0))
        with suppress(Exception):  # the process that holds the store may have ended
            mine = f"rank {self.rank}: {error}"
            first = first and _store().compare_set(_REASON, "", mine).decode() == mine
        error.reported = not first  # type: ignore[attr-defined]

    def failure(self, seconds: float) -> str:
        """Return the error that another rank reports within ``seconds``; "" if no rank reports one."""
        with suppress(Exception):
            _store().wait([_REASON], timedelta(seconds=seconds))
            return str(_store().get(_REASON).decode())
        return ""


def _store() -> Any:
    return dist.distributed_c10d._get_default_store()


@contextmanager
def process_group(device: str) -> Iterator[Ranks]:
    """Return a context manager that connects the processes of distributed training and yields their :class:`Ranks`.

    The processes are described by the environment variables ``RANK``, ``WORLD_SIZE`` etc.; without them, there is a
    single process. An error on one rank ends all ranks: it is raised on that rank, and :class:`RankFailed` on the
    others. Raises :class:`TrainingError` if the processes cannot connect to each other.
    """
    environment = rank_from_environment()
    if environment.size == 1 or dist.is_initialized():
        yield Ranks()
        return
    cuda = resolve_device(device).type == "cuda"
    if cuda:
        torch.cuda.set_device(environment.local_rank % torch.cuda.device_count())
    try:
        dist.init_process_group("nccl" if cuda else "gloo", timeout=STEP_PATIENCE if cuda else PATIENCE)
        control = dist.new_group(backend="gloo", timeout=PATIENCE) if cuda else None
    except (RuntimeError, ValueError) as error:
        raise TrainingError(
            f"MASTER_ADDR, MASTER_PORT: the {environment.size} processes cannot connect to each other "
            f"({str(error).splitlines()[0]}); start them with torchrun"
        ) from None
    ranks = Ranks(environment.rank, environment.size, control)
    try:
        with ranks.guarded():
            yield ranks
        ranks.wait()  # so that no rank closes its connections before all have finished
    except BaseException as error:
        ranks.report(error)
        raise
    finally:
        with suppress(Exception):
            dist.destroy_process_group()


def _of_connection(error: Exception) -> bool:
    """Return whether ``error`` comes from an exchange with another rank, not from this rank's computation."""
    text = str(error).lower()
    if isinstance(error, torch.OutOfMemoryError):
        return False
    return isinstance(error, dist.DistError) or "gloo" in text or "connection" in text or "nccl" in text
