"""Servers for the browser of this machine."""
