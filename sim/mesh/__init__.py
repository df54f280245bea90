"""Meshes of routers, cycle by cycle."""
