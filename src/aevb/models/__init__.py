"""Encoders, decoders and priors."""
