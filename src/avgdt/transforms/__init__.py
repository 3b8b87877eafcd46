"""Raw clips to the views of a composition and to network input: batched, on the device."""
