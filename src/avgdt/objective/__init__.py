"""The objective: contrastive loss, memory bank and momentum encoder."""
