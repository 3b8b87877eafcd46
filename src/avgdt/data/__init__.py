"""Data loading: manifests of recordings, selection of time windows, and batches of clips."""
