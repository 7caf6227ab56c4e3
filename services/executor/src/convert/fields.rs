//! The fields of one message at its path: values with their documented defaults, violations kept to be told all at once.

use std::{
    cell::{RefCell, RefMut},
    collections::HashMap,
    ops::RangeInclusive,
    time::Duration,
};

use bellwether_clock::Timestamp;
use bellwether_resource::{Violations, error::Problem, name};
use bellwether_rollout::Percent;

/// The fields of one message.
pub(crate) struct Fields<'a> {
    path: String,
    found: &'a RefCell<Violations>,
}

/// Reads a request, and refuses it with every violation.
///
/// # Errors
/// `INVALID_FIELDS`.
pub(crate) fn read<T>(read: impl FnOnce(&Fields<'_>) -> T) -> Result<T, Problem> {
    let found = RefCell::new(Violations::new());
    let value = read(&Fields { path: String::new(), found: &found });
    found.into_inner().finish()?;
    Ok(value)
}

// === impl Fields ===

impl Fields<'_> {
    /// Those of the message in field `name`.
    pub(crate) fn at(&self, name: &str) -> Self {
        Self { path: self.join(name), found: self.found }
    }

    /// Those of the `at`th message in the list `name`, from 0.
    pub(crate) fn nth(&self, name: &str, at: usize) -> Self {
        Self { path: self.join(&format!("{name}[{at}]")), found: self.found }
    }

    /// Reads the message itself.
    pub(crate) fn read<T>(&self, read: impl FnOnce(&mut Violations) -> T) -> T {
        self.sink().within(&self.path, read)
    }

    /// Records a violation of field `name`.
    pub(crate) fn refuse(&self, name: &str, given: impl AsRef<str>, allowed: impl AsRef<str>) {
        let given = given.as_ref();
        self.sink().add(&self.join(name), if given.is_empty() { "nothing" } else { given }, allowed.as_ref());
    }

    /// Text of at most `most` characters.
    pub(crate) fn text(&self, name: &str, given: &str, most: usize) {
        self.sink().text(&self.join(name), given, 0..=most);
    }

    /// Text of 1 to `most` characters.
    pub(crate) fn required(&self, name: &str, given: &str, most: usize) {
        self.sink().text(&self.join(name), given.trim(), 1..=most);
    }

    /// `[a-z][a-z0-9-]{0,62}`.
    pub(crate) fn id(&self, name: &str, given: &str) {
        self.sink().id(&self.join(name), given);
    }

    /// The client's id of the request.
    pub(crate) fn request_id(&self, given: &str) {
        self.sink().request_id(given);
    }

    /// A name of this kind without its collection.
    pub(crate) fn name(&self, name: &str, given: &str, kind: name::Kind) -> Option<String> {
        self.sink().name(&self.join(name), given, kind).map(str::to_owned)
    }

    /// A sha256 in hex, or nothing.
    pub(crate) fn digest(&self, name: &str, given: &str) {
        let hex = given.strip_prefix("sha256:").unwrap_or(given);
        let digit = |it: u8| it.is_ascii_digit() || (b'a'..=b'f').contains(&it);
        let right = hex.len() == 64 && hex.bytes().all(digit);
        if !given.is_empty() && !right {
            self.refuse(name, format!("{given:?}"), "a sha256 in 64 lower-case hex digits");
        }
    }

    /// A list of at most `most`.
    pub(crate) fn at_most(&self, name: &str, given: usize, most: usize) {
        self.sink().range(&self.join(name), given, 0..=most);
    }

    /// A span within `range`; `default` where none is given.
    pub(crate) fn duration(
        &self,
        name: &str,
        given: Option<&bellwether_proto::Duration>,
        range: RangeInclusive<Duration>,
        default: Duration,
    ) -> Duration {
        self.sink().duration(&self.join(name), given, range).unwrap_or(default)
    }

    /// A moment, or nothing.
    pub(crate) fn timestamp(
        &self,
        name: &str,
        given: Option<&bellwether_proto::Timestamp>,
    ) -> Option<Timestamp> {
        self.sink().timestamp(&self.join(name), given)
    }

    /// A number within `range`.
    pub(crate) fn count(&self, name: &str, given: i32, range: RangeInclusive<i32>) -> u32 {
        self.sink().range(&self.join(name), given, range);
        u32::try_from(given).unwrap_or(0)
    }

    /// A number within `range`; 0 means `default`.
    pub(crate) fn count_or(&self, name: &str, given: i32, range: RangeInclusive<i32>, default: u32) -> u32 {
        if given == 0 { default } else { self.count(name, given, range) }
    }

    /// A number of bytes or things, 0 or more.
    pub(crate) fn size(&self, name: &str, given: i64) -> u64 {
        self.sink().range(&self.join(name), given, 0..=i64::MAX);
        u64::try_from(given).unwrap_or(0)
    }

    /// A percentage.
    pub(crate) fn percent(&self, name: &str, given: f64) -> Percent {
        self.sink().percent(&self.join(name), given);
        Percent::from_f64(given).unwrap_or(Percent::ZERO)
    }

    /// A known value of an enum.
    pub(crate) fn choice<E: TryFrom<i32>>(&self, name: &str, given: i32) -> Option<E> {
        self.sink().enumeration(&self.join(name), given)
    }

    /// A team, or nothing.
    pub(crate) fn team(&self, name: &str, given: &str) {
        self.sink().team(&self.join(name), given);
    }

    /// Labels.
    pub(crate) fn labels(&self, name: &str, given: &HashMap<String, String>) {
        self.sink().labels(&self.join(name), given);
    }

    fn sink(&self) -> RefMut<'_, Violations> {
        self.found.borrow_mut()
    }

    fn join(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }
}
