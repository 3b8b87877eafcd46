"""From manifests to batches: which recordings, which time windows."""
