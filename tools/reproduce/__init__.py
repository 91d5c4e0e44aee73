"""The tables of tools/reproduce.py: their models, jobs and reports."""
