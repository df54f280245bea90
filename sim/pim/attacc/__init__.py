"""AttAcc: attention in HBM3."""
