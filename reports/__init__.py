"""Notebooks to pages: run them for a study and a wave, check that only released numbers leave, write the report."""
