"""Cycles of processing in memory, on top of the DRAM's timing."""
