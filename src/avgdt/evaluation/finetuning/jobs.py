"""Several finetunings, one after the other or side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from queue import Empty, Queue

import torch

from avgdt.evaluation.finetuning.finetune import Guessed, Job, finetune
from avgdt.training.pretrain import default_workers
from avgdt.training.runs import LoadedRun


def run_jobs(jobs: Sequence[Job], at_once: int, after: Callable[[], None]) -> list[Guessed]:
    """What came out of each, ``at_once`` of them side by side in processes that share the processors.

    ``after`` is called after every epoch of every job. What a job raises ends them all.
    """
    if at_once == 1:
        return [finetune(job, after) for job in jobs]
    context = get_context("spawn")
    threads = max(1, torch.get_num_threads() // at_once)
    with context.Manager() as manager, ProcessPoolExecutor(at_once, context) as pool:
        epochs = manager.Queue()
        futures = [pool.submit(_run, _sharing(job, at_once), threads, epochs) for job in jobs]
        try:
            while not all(future.done() for future in futures):
                _count(epochs, after)
                for future in futures:
                    if future.done():
                        future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
        _count(epochs, after, wait=0.0)
        return [future.result() for future in futures]


def _run(job: Job, threads: int, epochs: Queue[None]) -> Guessed:
    torch.set_num_threads(threads)
    return finetune(job, lambda: epochs.put(None))


def _sharing(job: Job, at_once: int) -> Job:
    """The job with its share of the processes that read."""
    subject = job.subject
    run = replace(subject.recipe.run, workers=default_workers(subject.recipe.run.workers) // at_once)
    recipe = replace(subject.recipe, run=run)
    return replace(job, subject=LoadedRun(recipe, subject.phi, subject.viewmaker, subject.precision))


def _count(epochs: Queue[None], after: Callable[[], None], wait: float = 0.5) -> None:
    """Tell of all epochs that are done, after waiting for one at most ``wait`` seconds."""
    try:
        while True:
            epochs.get(timeout=wait) if wait else epochs.get_nowait()
            after()
    except Empty:
        pass
