from aevb.cli.entry import train

train()
