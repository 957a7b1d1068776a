"""Claims of ensembles: what several reward models know that one does not."""
