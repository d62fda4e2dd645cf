"""Zenith: the security layer for async Python web applications."""
