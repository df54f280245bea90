"""Machines, models and workloads that are known by name, as YAML files."""
