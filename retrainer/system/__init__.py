"""What the library shares with the machine: files, processes, threads, memory and the terminal."""
