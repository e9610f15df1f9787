"""Uses the machine: files, processes, threads, memory and the terminal."""
