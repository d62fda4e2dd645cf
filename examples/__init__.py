"""Applications to read, run and copy from; `tests/examples` runs each of them."""
