"""What happens each cycle: kernels, the engine, results and the command line."""
