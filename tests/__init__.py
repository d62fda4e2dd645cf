"""The tests of Zenith: the same tree as `src/zenith`, and what cuts across it."""
