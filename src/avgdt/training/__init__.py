"""Training: the loop, the training state, the learning rate schedule, checkpoints and distribution over devices."""
