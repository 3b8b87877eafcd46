"""Finetuning: supervised training of an encoder and a linear layer, from pretrained or random weights."""
