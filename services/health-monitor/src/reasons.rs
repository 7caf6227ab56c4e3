//! What this service refuses calls for beside what every service does.

bellwether_resource::reasons! {
    /// What this service refuses calls for.
    pub ALL;
    /// The client has as many streams of samples open as one client may.
    TOO_MANY_STREAMS = ResourceExhausted, retryable, "Keep one stream open and send every batch on it; end those that are left over.";
    /// The client has told of more instances than one client may.
    TOO_MANY_SERIES = ResourceExhausted, "Use few names for fleets and instances; give each group of hosts a token of its own.";
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn every_reason_has_its_page() {
        let pages = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/errors");
        assert_eq!(bellwether_resource::error::page_problems(ALL, &pages), Vec::<String>::new());
    }
}
