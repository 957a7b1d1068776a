"""The library: one folder per stage, data flowing one way."""
