from aevb.cli.diff import diff

diff()
