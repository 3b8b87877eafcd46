"""Recipes: configurations of pretraining and finetuning as frozen dataclasses, without PyTorch."""
