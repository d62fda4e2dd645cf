"""The project's own tools: environments, pins, checks, house rules, the test run."""
