//! Pure statistics: sequential tests that stay right under continuous looking, and the verdict made of them.
