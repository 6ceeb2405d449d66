from aevb.experiment import train

train()
