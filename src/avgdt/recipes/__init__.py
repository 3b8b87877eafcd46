"""Recipes: configurations of pretraining and finetuning as frozen dataclasses that do not import PyTorch."""
