"""What is measured: one module per subject, each a coroutine function `measure`."""
