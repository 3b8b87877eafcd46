#!/bin/bash
# Pretrains on several machines with SLURM: sbatch examples/slurm.sh RUN RECIPE --data DATA [--any.field value]
# Three minutes before its time limit, or if it is preempted, the job saves its state, ends and requeues itself.
#SBATCH --nodes=8 --ntasks-per-node=8 --gpus-per-node=8 --cpus-per-task=12
#SBATCH --time=24:00:00 --signal=USR1@180 --requeue --open-mode=append
set -u
run=$1
shift
if [ -e "$run/checkpoints/last.pt" ]; then
    set -- --resume
fi
MASTER_ADDR=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)
export MASTER_ADDR MASTER_PORT=${MASTER_PORT:-29500}
# Each task is one process with one GPU. Its rank is passed in the environment variables that torchrun also sets.
# shellcheck disable=SC2016
srun --kill-on-bad-exit=1 bash -c '
    export RANK=$SLURM_PROCID WORLD_SIZE=$SLURM_NTASKS LOCAL_RANK=$SLURM_LOCALID
    export LOCAL_WORLD_SIZE=$((SLURM_NTASKS / SLURM_NNODES))
    exec avgdt pretrain "$@"' bash "$@" --out "$run"
code=$?
case $code in
138 | 140 | 143) scontrol requeue "$SLURM_JOB_ID" ;; # the run was stopped by USR1, USR2 or TERM and has saved its state
esac
exit $code
