"""The project's own tools: environments, locks, house rules, coverage bars. Standard library only."""
