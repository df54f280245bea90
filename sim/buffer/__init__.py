"""The buffer unit: scratchpad ports and the DMA engines of one core."""
