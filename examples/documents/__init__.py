"""A document store for several companies: roles, a policy and tenants in one application.

The tutorial `docs/tutorial/who-may-what.md` builds it step by step.
"""
