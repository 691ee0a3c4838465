"""Activation: audiences leave for destinations, through a gate, with a record of every attempt."""
