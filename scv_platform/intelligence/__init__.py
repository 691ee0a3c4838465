"""Scores of customers, computed in the warehouse and written beside the day they hold for."""
