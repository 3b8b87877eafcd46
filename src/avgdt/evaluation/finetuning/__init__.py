"""Finetuning: an encoder and a linear layer trained with labels, from pretrained or from random weights."""
