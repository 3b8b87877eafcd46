"""Which recordings are learnt from and which are held out to watch the learning."""

from __future__ import annotations

from dataclasses import dataclass

from avgdt.recipes.limits import at_least, share


@dataclass(frozen=True)
class Data:
    """The split of a manifest; labels are never read."""

    splits: tuple[str, ...] = ("train",)
    """Splits to learn from, where the manifest has a column split; else all recordings but the held-out ones."""
    held_out: str = "val"
    """Split on which retrieval is measured while training, never learnt from."""
    held_out_at_most: int = 100
    """Most recordings held out; without a column split it is this many or a tenth, whichever is less; 0 for none."""
    failing_at_most: float = 0.1
    """Share of the recordings that may fail to be read, once training has begun; beyond it the run saves and stops."""

    store: str = "auto"
    """Folder of decoded recordings, so that no file is decoded in every epoch: auto is store/ in the run's folder; off
    decodes each clip anew. Clips are the same to the bit; the folder may be shared by runs and deleted at any time."""
    store_gigabytes: float = -1.0
    """Disk space that the store may take, in GB; -1 is half of what is free. Other recordings are decoded as before."""

    def __post_init__(self) -> None:
        at_least("data.store_gigabytes", self.store_gigabytes, -1)
        at_least("data.held_out_at_most", self.held_out_at_most, 0)
        share("data.failing_at_most", self.failing_at_most)
