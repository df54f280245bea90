"""The mesh unit: routers in a grid, and the links and nodes between which they carry."""
