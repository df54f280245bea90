"""Processing in memory: DRAM whose banks compute."""
