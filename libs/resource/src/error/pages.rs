//! Every reason has a page for people.

use std::{fs, path::Path};

use super::{Code, Reason};

/// What is wrong with the pages of `reasons` in the directory `pages` (`docs/errors`): each begins with the reason's
/// name, then says its code, and has a remedy. For a test beside each list of reasons.
pub fn page_problems(reasons: &[Reason], pages: &Path) -> Vec<String> {
    reasons.iter().filter_map(|reason| page_problem(*reason, pages)).collect()
}

fn page_problem(reason: Reason, pages: &Path) -> Option<String> {
    let name = reason.name;
    let Ok(page) = fs::read_to_string(pages.join(format!("{name}.md"))) else {
        return Some(format!("{name} has no page"));
    };
    let begin = format!("# {name}\n\n{}\n", code_name(reason.code));
    if !page.starts_with(&begin) {
        return Some(format!("the page of {name} does not begin with {begin:?}"));
    }
    (!page.contains("**What to do.**")).then(|| format!("the page of {name} does not say what to do"))
}

/// The code as the protocol's documentation writes it.
pub fn code_name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::COMMON_REASONS;

    #[test]
    fn every_common_reason_has_its_page() {
        let pages = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/errors");
        assert_eq!(page_problems(COMMON_REASONS, &pages), Vec::<String>::new());
    }

    #[test]
    fn what_is_missing_is_found() {
        let directory = tempfile::tempdir().unwrap();
        let [one, other, ..] = COMMON_REASONS else { panic!("no reasons") };
        fs::write(directory.path().join(format!("{}.md", one.name)), "# something\n").unwrap();
        let found = page_problems(&[*one, *other], directory.path());
        assert_eq!(found.len(), 2);
        assert!(found[0].contains("does not begin") && found[1].contains("has no page"), "{found:?}");
    }
}
