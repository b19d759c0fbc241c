"""Reliability as figures that a command prints: see frame.py."""
