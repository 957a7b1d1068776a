"""What watches the climb while it happens: nothing yet."""
