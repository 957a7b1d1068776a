"""Claims on what an audit measures: judges, protocols, probes, calibration, implicit rewards."""
