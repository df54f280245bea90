"""Figures of runs and studies, for print.

matplotlib is imported when the first figure is drawn; without it that is an ``InputError``.
"""
