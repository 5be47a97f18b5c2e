"""Everything that touches the world: sockets, disks, clocks, tasks."""
