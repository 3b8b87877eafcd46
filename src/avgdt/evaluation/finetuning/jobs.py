"""Several finetunings, one after the other or side by side."""

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
from avgdt.evaluation.finetuning.finetune import Guessed, Job, finetune
from avgdt.models.pretrained import PretrainedModel
from avgdt.processes import stopping_blocked
from avgdt.training.recordings import default_workers


def run_jobs(jobs: Sequence[Job], at_once: int, after: Callable[[], None]) -> list[Guessed]:
    """What came out of each, ``at_once`` of them side by side in processes that share the processors.

    ``after`` is called after every epoch of every job. What a job raises ends them all, and goes on to the caller;
    :class:`EvaluationError` where one is ended from outside, and RuntimeError with its trace for a fault of ours.
    """
    if at_once == 1:
        return [finetune(job, after) for job in jobs]
    context, threads = get_context("spawn"), max(1, torch.get_num_threads() // at_once)
    resource_tracker.ensure_running()  # it would start with the first process, and unblock what is blocked then
    waiting, found = list(enumerate(jobs)), dict[int, Guessed]()
    running = dict[Connection, tuple[int, BaseProcess]]()
    try:
        while waiting or running:
            while waiting and len(running) < at_once:
                number, job = waiting.pop(0)
                ours, theirs = context.Pipe()
                process: BaseProcess = context.Process(target=_run, args=(_sharing(job, at_once), threads, theirs))
                with stopping_blocked():
                    process.start()
                theirs.close()
                running[ours] = number, process
            for connection in wait(list(running)):
                assert isinstance(connection, Connection)
                number, process = running[connection]
                told = _told(connection, process)
                if told is None:
                    after()
                else:
                    found[number] = told
                    del running[connection]
                    process.join()
    finally:
        for _, process in running.values():
            process.kill()
        for _, process in running.values():
            process.join()
    return [found[number] for number in range(len(jobs))]


def _told(connection: Connection, process: BaseProcess) -> Guessed | None:
    """What a process found, None for one more epoch; raises what it raised."""
    try:
        told: Guessed | AvgdtError | RuntimeError | None = connection.recv()
    except EOFError:
        process.join()
        raise EvaluationError(
            f"jobs: a training was ended from outside ({process.exitcode}), perhaps for want of memory; use fewer"
        ) from None
    if isinstance(told, AvgdtError | RuntimeError):
        raise told
    return told


def _run(job: Job, threads: int, connection: Connection) -> None:
    torch.set_num_threads(threads)
    try:
        connection.send(finetune(job, lambda: connection.send(None)))
    except AvgdtError as error:
        connection.send(error)
    except Exception:  # it may not travel itself; its trace does
        connection.send(RuntimeError(f"jobs: a training failed\n{traceback.format_exc()}"))


def _sharing(job: Job, at_once: int) -> Job:
    """The job with its share of the processes that read."""
    model = job.model
    run = replace(model.recipe.run, workers=default_workers(model.recipe.run.workers) // at_once)
    recipe = replace(model.recipe, run=run)
    return replace(job, model=PretrainedModel(recipe, model.phi, model.views, model.precision, model.store))
