"""From raw frames and sound to the views of a composition: batched, on the device."""
