from aevb.cli.entry import evaluate

evaluate()
