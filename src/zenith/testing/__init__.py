"""What applications test their own protection with."""

from zenith.testing.running import running
from zenith.testing.tenant_crossing import Client, Crossing, CrossingReport, cross_tenants

__all__ = ["Client", "Crossing", "CrossingReport", "cross_tenants", "running"]
