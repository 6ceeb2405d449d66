from aevb.cli.train import train

train()
