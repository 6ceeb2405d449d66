from aevb.cli.evaluate import evaluate

evaluate()
