"""The end of one's own account, and a copy of what is kept about it."""

from zenith.accounts.own_account.deletion import Deletion
from zenith.accounts.own_account.export import Export, Section

__all__ = ["Deletion", "Export", "Section"]
