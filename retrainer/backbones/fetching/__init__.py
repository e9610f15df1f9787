"""Archives of networks: downloaded and unpacked."""
