"""How the gradients of an update are computed."""
