"""What `--json` prints: a function for each command makes its document; see "Documents" in models/FORMATS.md."""
