"""An independent judge of DRAM command logs; it shares nothing with what it judges."""
