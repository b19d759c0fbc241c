"""The book's checklist for networks that do not train, as software: what is wrong, how it shows, what to do."""

from .examine import examine as examine
from .report import Finding as Finding
from .report import Report as Report
from .watch import Doctor as Doctor

__all__ = ["Doctor", "Finding", "Report", "examine"]
