"""The area of the stage `sft`."""
