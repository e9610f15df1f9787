"""From the name of a backbone to its bundle; README.md explains how."""
