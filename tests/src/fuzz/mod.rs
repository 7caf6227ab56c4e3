//! Parsers of what comes from elsewhere, each as a function of bytes that must not panic, whatever the bytes are.
//!
//! `cargo +nightly fuzz run NAME` (in `fuzz/`) searches with coverage; the tests run each over the kept corpus
//! (`fuzz/corpus/NAME/`) and over seeded mutations of it, with the stable compiler.

mod addresses;
mod documents;
mod journals;
mod policies;
mod requests;

/// What is run on bytes.
pub type Target = fn(&[u8]);

/// Every target by its name.
pub const TARGETS: [(&str, Target); 14] = [
    ("addresses", addresses::networks_and_hosts),
    ("application_file", documents::application_file),
    ("arguments", addresses::arguments),
    ("archive", documents::archive),
    ("expressions", policies::expressions),
    ("facts", journals::facts),
    ("gateway_table", documents::gateway_table),
    ("health_policy", policies::health_policy),
    ("kayenta_config", documents::kayenta_config),
    ("matchers", requests::matchers),
    ("queries", requests::queries),
    ("release_events", journals::release_events),
    ("routing", requests::routing),
    ("tokens_file", documents::tokens_file),
];

/// Runs the target of this name.
///
/// # Panics
/// There is none; or the target does, which is what is looked for.
pub fn run(name: &str, data: &[u8]) {
    let target = TARGETS.iter().find(|(known, _)| *known == name).map(|(_, target)| target);
    match target {
        Some(target) => target(data),
        None => panic!("there is no target {name}"),
    }
}
