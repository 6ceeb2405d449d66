from aevb.cli.entry import figure

figure()
