"""Where the photos to label come from: files, folders, lists, tables, addresses."""
