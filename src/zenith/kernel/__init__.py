"""The ground floor: errors, problems, principals, keys, time, events, addresses. No web, no I/O."""
