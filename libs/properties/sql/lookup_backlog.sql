SELECT building, verifying, removing, failed, oldest_seconds FROM lookup_backlog()
