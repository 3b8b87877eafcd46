"""Whether an error says that memory ran out."""

from __future__ import annotations

import sys


def told_out_of_memory(error: Exception) -> str | None:
    """One line for what PyTorch or NumPy raise when memory is refused, and None for every other error."""
    torch = sys.modules.get("torch")  # not imported for its own sake: a command that never did cannot have met it
    on_a_device = torch is not None and isinstance(error, torch.OutOfMemoryError)
    if not (on_a_device or isinstance(error, MemoryError) or "can't allocate memory" in str(error)):
        return None
    return "out of memory; make the batch, the clips, the network or the bank smaller"
