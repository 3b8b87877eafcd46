"""Recipes: the configuration of pretraining and finetuning as frozen dataclasses; no PyTorch."""
