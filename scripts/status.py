from aevb.experiment import status

status()
