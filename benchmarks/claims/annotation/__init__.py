"""Claims about which labels are asked for."""
