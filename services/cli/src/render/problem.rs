//! What the server refused: each sentence once.

use bellwether_client::{ApiError, FieldViolation, Violation};

/// The message with its reason, a line for each violation that the message does not say already, and the remedy.
pub fn view(error: &ApiError) -> String {
    let mut lines = vec![headline(error)];
    let fields = error.fields.iter().map(field).filter(|line| error.fields.len() > 1 || !says(error, line));
    lines.extend(fields.map(|line| format!("  {line}")));
    let open = error.preconditions.iter().filter(|violation| !says(error, &violation.description));
    lines.extend(
        open.map(|Violation { kind, subject, description }| format!("  {kind} {subject}: {description}")),
    );
    if !error.remedy.is_empty() {
        lines.push(error.remedy.clone());
    }
    lines.join("\n")
}

fn headline(error: &ApiError) -> String {
    let count = error.fields.len();
    let message = match error.message.as_str() {
        _ if count > 1 => format!("{count} fields are not as they must be"),
        "" => error.code.description().to_owned(),
        message => message.to_owned(),
    };
    if error.reason.is_empty() { message } else { format!("{message} ({})", error.reason) }
}

fn field(FieldViolation { path, description }: &FieldViolation) -> String {
    format!("{path}: {description}")
}

/// Whether the message is or holds this sentence.
fn says(error: &ApiError, sentence: &str) -> bool {
    error.message.contains(sentence)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use tonic::{Code, Status};
    use tonic_types::{ErrorDetails, StatusExt as _};

    use super::*;

    fn refused(code: Code, message: &str, reason: &str, add: impl FnOnce(&mut ErrorDetails)) -> String {
        let mut details = ErrorDetails::new();
        let values = HashMap::from([("remedy".to_owned(), "Do this.".to_owned())]);
        details.set_error_info(reason, "bellwether.dev", values);
        add(&mut details);
        view(&ApiError::from(Status::with_error_details(code, message, details)))
    }

    #[test]
    fn a_violation_that_is_the_message_is_not_said_again() {
        let sentence = "the rollout is SUCCEEDED (DONE); it is over";
        let text = refused(Code::FailedPrecondition, sentence, "STATE_CONFLICT", |details| {
            details.add_precondition_failure_violation("STATE", "rollouts/1", sentence);
            details.add_precondition_failure_violation("APPROVAL", "approvals/qa", "0 of 1 given");
        });
        let expected =
            [&format!("{sentence} (STATE_CONFLICT)"), "  APPROVAL approvals/qa: 0 of 1 given", "Do this."];
        assert_eq!(text.lines().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn one_field_is_the_message_and_many_are_a_list() {
        let one = refused(
            Code::InvalidArgument,
            "version: given nothing; allowed: 1",
            "INVALID_FIELDS",
            |details| {
                details.add_bad_request_violation("version", "given nothing; allowed: 1");
            },
        );
        assert_eq!(one, "version: given nothing; allowed: 1 (INVALID_FIELDS)\nDo this.");
        let many = refused(
            Code::InvalidArgument,
            "version: given x; allowed: y, and 1 more",
            "INVALID_FIELDS",
            |details| {
                details.add_bad_request_violation("version", "given x; allowed: y");
                details.add_bad_request_violation("team", "given A; allowed: a");
            },
        );
        let expected = [
            "2 fields are not as they must be (INVALID_FIELDS)",
            "  version: given x; allowed: y",
            "  team: given A; allowed: a",
            "Do this.",
        ];
        assert_eq!(many.lines().collect::<Vec<_>>(), expected);
    }
}
