"""Prefect and the command line around the graph of dvc.yaml. Imports neither torch nor trl."""
