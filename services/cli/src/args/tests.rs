use clap::{CommandFactory as _, Parser as _};

use super::*;

#[test]
fn the_command_line_is_consistent() {
    Cli::command().debug_assert();
}

#[test]
fn what_the_services_tell_people_to_type_is_understood() {
    for words in [
        "abort shop@production",
        "advance shop@production",
        "pause shop@production",
        "resolve shop@production hand-back",
        "rollback shop@production",
        "approve releases/01a20c7e-fdcd-7e61-9690-f702689429ab -e production",
        "promote 01a20c7e-fdcd-7e61-9690-f702689429ab --environment test",
        "cancel 01a20c7e-fdcd-7e61-9690-f702689429ab",
        "emergency route shop@production --stable 100",
        "token create ada --role viewer",
    ] {
        let parsed = Cli::try_parse_from(["bellwether"].into_iter().chain(words.split(' ')));
        assert!(parsed.is_ok(), "{words}: {}", parsed.err().map(|e| e.to_string()).unwrap_or_default());
    }
}

#[test]
fn only_the_safe_emergency_is_offered() {
    let parsed =
        Cli::try_parse_from(["bellwether", "emergency", "route", "shop@production", "--stable", "50"]);
    assert!(parsed.is_err());
}
