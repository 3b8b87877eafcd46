"""Execution of several finetuning runs, sequentially or in parallel processes."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Sequence
from dataclasses import replace
from multiprocessing import get_context, resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

import torch

from avgdt.errors import AvgdtError
from avgdt.evaluation.errors import EvaluationError
from avgdt.evaluation.finetuning.finetune import FinetuningResult, Job, finetune
from avgdt.processes import default_workers, stopping_blocked


def run_jobs(
    jobs: Sequence[Job],
    parallel: int,
    after_epoch: Callable[[], None],
    after_job: Callable[[int, FinetuningResult], None] = lambda number, finetuned: None,
) -> list[FinetuningResult]:
    """Run all jobs and return their results in the order of ``jobs``.

    Up to ``parallel`` jobs run at the same time and share the processor cores. ``after_epoch`` is called after every
    epoch of every job, and ``after_job`` with the index and the result of every finished job. An exception in a job
    stops all jobs and is re-raised. If jobs run in parallel, exceptions other than ``AvgdtError`` are raised as
    ``RuntimeError`` with the traceback, and :class:`EvaluationError` is raised if a process was killed.
    """
    done = dict[int, FinetuningResult]()

    def end(number: int, finetuned: FinetuningResult) -> None:
        done[number] = finetuned
        after_job(number, finetuned)

    if parallel == 1:
        for number, job in enumerate(jobs):
            end(number, finetune(job, after_epoch))
        return [done[number] for number in range(len(jobs))]
    context, threads = get_context("spawn"), max(1, torch.get_num_threads() // parallel)
    resource_tracker.ensure_running()  # otherwise, the first process would start the tracker, which unblocks signals
    waiting = list(enumerate(jobs))
    running = dict[Connection, tuple[int, BaseProcess]]()
    try:
        while waiting or running:
            while waiting and len(running) < parallel:
                number, job = waiting.pop(0)
                ours, theirs = context.Pipe()
                process: BaseProcess = context.Process(
                    target=_run, args=(_with_fewer_workers(job, parallel), threads, theirs)
                )
                with stopping_blocked():
                    process.start()
                theirs.close()
                running[ours] = number, process
            for connection in wait(list(running)):
                assert isinstance(connection, Connection)
                number, process = running[connection]
                message = _receive(connection, process)
                if message is None:
                    after_epoch()
                else:
                    del running[connection]
                    process.join()
                    end(number, message)
    finally:
        for _, process in running.values():
            process.kill()
        for _, process in running.values():
            process.join()
    return [done[number] for number in range(len(jobs))]


def _receive(connection: Connection, process: BaseProcess) -> FinetuningResult | None:
    """Return the next message of a process: its result, or None after an epoch.

    Raises the exception sent by the process, or :class:`EvaluationError` if the process was killed.
    """
    try:
        message: FinetuningResult | AvgdtError | RuntimeError | None = connection.recv()
    except EOFError:
        process.join()
        raise EvaluationError(
            f"jobs: a finetuning process was killed (exit code {process.exitcode}), perhaps for lack of memory; lower "
            "--jobs"
        ) from None
    if isinstance(message, AvgdtError | RuntimeError):
        raise message
    return message


def _run(job: Job, threads: int, connection: Connection) -> None:
    torch.set_num_threads(threads)
    try:
        connection.send(finetune(job, lambda: connection.send(None)))
    except AvgdtError as error:
        connection.send(error)
    except Exception:  # the exception may not be picklable, but its traceback is
        connection.send(RuntimeError(f"jobs: a finetuning run failed\n{traceback.format_exc()}"))


def _with_fewer_workers(job: Job, parallel: int) -> Job:
    """Return the job with the number of decoding workers divided by ``parallel``."""
    recipe = job.model.recipe
    run = replace(recipe.run, workers=default_workers(recipe.run.workers) // parallel)
    return replace(job, model=replace(job.model, recipe=replace(recipe, run=run)))
