"""What work arrives: workloads, trace files, and their mapping to commands."""
