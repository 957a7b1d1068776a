"""Claims about how a policy is optimised."""
