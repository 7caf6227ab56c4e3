//! The notifier: facts of the other services become deliveries.
