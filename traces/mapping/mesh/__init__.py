"""Operations of a wafer to programs of its PEs: collectives along a row, a column, or both."""

from traces.mapping.mesh.collectives import COLLECTIVES, collective

__all__ = ["COLLECTIVES", "collective"]
