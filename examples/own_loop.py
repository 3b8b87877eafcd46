"""Train with a momentum encoder and a memory bank: python examples/own_loop.py FOLDER_OF_VIDEOS [EPOCHS]."""

import sys
from dataclasses import replace

import torch

import avgdt

folder, epochs = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 10
composition = avgdt.Composition(
    avgdt.Modality(),  # one view per modality
    avgdt.TimeShift(at_least=0.3, distinctive=True),  # two windows of a recording, which repel each other
    video=(avgdt.RandomCrop(64), avgdt.Flip(0.5)),
    audio=(avgdt.SpecAugment.mild(),),
)
recipe = avgdt.recipe("small")  # sizes of clips and networks
recipe = replace(recipe, composition=composition, schedule=replace(recipe.schedule, epochs=epochs))
modalities = [view.modality for view in composition.views]

views = avgdt.Views.of(recipe)
phi = avgdt.Phi(recipe.model)
key_encoder = avgdt.MomentumEncoder(phi)
bank = avgdt.Bank(views=len(modalities), size=64, dim=recipe.model.head.out)
optimiser = torch.optim.AdamW(phi.parameters(), lr=1e-3)
rng = torch.Generator().manual_seed(0)

for step, batch in enumerate(avgdt.batches(folder, recipe), start=1):
    x = views(batch)
    queries = phi(x, modalities)
    keys = key_encoder.keys(x, modalities, groups=2, generator=rng)
    negatives = [bank.negatives(view, batch.recordings) for view in range(len(modalities))]
    result = avgdt.contrastive_loss(queries, keys, negatives, composition.attract, composition.repel, temperature=0.07)
    optimiser.zero_grad()
    result.loss.backward()
    optimiser.step()
    key_encoder.update(phi, momentum=0.95)
    bank.push(keys, batch.recordings)
    print(f"step {step}: loss {result.loss.item():.2f}, re-identified {result.accuracy.item():.0%}")
