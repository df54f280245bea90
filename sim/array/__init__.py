"""The array unit: its cycles (timing) and the values in its registers."""
