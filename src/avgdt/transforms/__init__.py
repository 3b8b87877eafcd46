"""Conversion of batches of raw clips to the views of a composition and to network input, on the device."""
