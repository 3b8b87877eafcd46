"""Pretrain with submitit, on SLURM or on this machine; a preempted job saves its state and resumes.

python examples/submitit_pretrain.py --folder jobs --cluster slurm --tasks 8 -- pretrain paper --data DATA --out RUN
"""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
from pathlib import Path

import submitit


class Pretraining:
    """submitit task: one process of a distributed training run."""

    def __call__(self, arguments: list[str]) -> None:
        """Run ``avgdt`` with ``arguments``, or resume its run from a checkpoint; raise ``SystemExit`` on failure."""
        submitit.helpers.TorchDistributedEnvironment().export()
        run = Path(arguments[arguments.index("--out") + 1])
        if (run / "checkpoints" / "last.pt").exists():
            arguments = ["pretrain", "--resume", "--out", str(run)]
        self.process = subprocess.Popen([sys.executable, "-m", "avgdt", *arguments])
        if code := self.process.wait():
            raise SystemExit(code)

    def checkpoint(self, arguments: list[str]) -> submitit.helpers.DelayedSubmission:
        """Stop the run, which saves its state, and resubmit the job; called by submitit before a preemption."""
        self.process.send_signal(signal.SIGUSR1)
        self.process.wait()
        return submitit.helpers.DelayedSubmission(Pretraining(), arguments)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", default="jobs", help="folder for the logs of the jobs")
    parser.add_argument("--cluster", default="slurm", choices=("slurm", "local"))
    parser.add_argument("--tasks", type=int, default=1, help="processes per machine, one for each GPU")
    parser.add_argument("--nodes", type=int, default=1)
    parser.add_argument("--minutes", type=int, default=1440)
    parser.add_argument("--gpus", type=int, default=0, help="GPUs per machine")
    parser.add_argument("arguments", nargs="+", help="arguments of avgdt, after --")
    options = parser.parse_args()
    executor = submitit.AutoExecutor(options.folder, cluster=options.cluster)
    executor.update_parameters(
        nodes=options.nodes, tasks_per_node=options.tasks, gpus_per_node=options.gpus, timeout_min=options.minutes
    )
    job = executor.submit(Pretraining(), options.arguments)
    print(f"job {job.job_id}; logs in {options.folder}")
    if options.cluster == "local":
        job.results()
