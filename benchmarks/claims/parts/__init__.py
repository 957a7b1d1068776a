"""The heavy parts of claims, made once per seed and shared: worlds, trunks, members, samples."""
