"""What stands between ensemble and algorithm: nothing yet."""
