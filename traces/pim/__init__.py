"""Instruction traces of processing in memory."""
