from aevb.experiment import figure

figure()
