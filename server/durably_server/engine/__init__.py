"""The durable engine: jobs, steps, leases, events and the Store port. No SQL, no HTTP."""
