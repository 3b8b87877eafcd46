"""The loop and what keeps it: schedules, checkpoints, monitors, runs."""
