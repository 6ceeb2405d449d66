from aevb.cli.entry import diff

diff()
