"""Answers: rows with named columns, and the formats that they are written in."""
