"""Engines: who schedules the reading of photos and the runs of the network. Each is a `bottlenecks.recipe.Engine`."""
