from aevb.cli.figure import figure

figure()
