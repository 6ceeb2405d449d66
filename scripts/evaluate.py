from aevb.experiment import evaluate

evaluate()
