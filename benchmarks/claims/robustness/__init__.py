"""Claims on robustness: attacks, searches and drift."""
