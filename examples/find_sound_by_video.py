"""Find the five recordings whose audio best matches a film: python examples/find_sound_by_video.py RUN FILM FOLDER."""

import sys

import numpy as np

import avgdt

run, film, folder = sys.argv[1:4]
model = avgdt.load(run)
sounds = avgdt.embed(folder, model, modality="audio", output="embeddings")
query = model.embed(film, modality="video", output="embeddings").vectors[0]
similarities = sounds.vectors @ query / np.linalg.norm(sounds.vectors, axis=1) / np.linalg.norm(query)
for index in np.argsort(-similarities)[:5]:
    print(f"{similarities[index]:.3f}  {sounds.files[sounds.rows[index]]}")
