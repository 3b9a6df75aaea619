"""The parts of the test bed's Python tools."""
