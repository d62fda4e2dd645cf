"""Zenith against its peers: `make bench`. How it is measured: docs/explanation/speed.md."""
