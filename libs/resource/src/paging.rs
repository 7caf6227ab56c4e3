//! Pages of lists.

use crate::{
    digest,
    token::{Purpose, open, seal},
    violations::{Violations, quoted},
};

const DEFAULT: i32 = 50;
const MOST: i32 = 1000;
const DIGEST: usize = 8;

/// Which page of a list is asked for.
///
/// # Expected flow
/// Read it with everything else that shapes the list (filter, order), so that a token is bound to the query. Order
/// the items by a key that is unique and never changes, and [`Paging::cut`] the page out. What is added or removed
/// meanwhile neither repeats nor hides other items.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paging {
    size: usize,
    after: Option<String>,
    query: [u8; DIGEST],
}

// === impl Paging ===

impl Paging {
    /// Reads the fields `page_size` (0 for 50; at most 1,000) and `page_token` of a request. `query` is everything
    /// else that shapes the list, the method included.
    pub fn read(violations: &mut Violations, page_size: i32, page_token: &str, query: &[&str]) -> Self {
        let size = if page_size == 0 { DEFAULT } else { page_size };
        violations.range("page_size", size, 1..=MOST);
        let mut digest = [0; DIGEST];
        digest.copy_from_slice(&digest::of_parts(query.iter().map(|part| part.as_bytes()))[..DIGEST]);
        let mut paging = Self { size: usize::try_from(size).unwrap_or(1), after: None, query: digest };
        if !page_token.is_empty() {
            paging.after = paging.place(page_token);
            violations.check(
                paging.after.is_some(),
                "page_token",
                quoted(page_token),
                "the token from the previous answer to the same query",
            );
        }
        paging
    }

    /// How many items a page has at most.
    pub fn size(&self) -> usize {
        self.size
    }

    /// The key after which the page begins; none: at the beginning. For lists that are read a part at a time.
    pub fn after(&self) -> Option<&str> {
        self.after.as_deref()
    }

    /// The page out of `items` (key and item, ascending by key unless `descending`), and the token of the next page;
    /// empty at the end.
    pub fn cut<T>(&self, items: impl IntoIterator<Item = (String, T)>, descending: bool) -> (Vec<T>, String) {
        let seen = |key: &String| {
            self.after.as_ref().is_some_and(|after| if descending { key >= after } else { key <= after })
        };
        let mut left = items.into_iter().skip_while(|(key, _)| seen(key)).peekable();
        let (mut page, mut last) = (vec![], None);
        while page.len() < self.size
            && let Some((key, item)) = left.next()
        {
            page.push(item);
            last = Some(key);
        }
        let token = match last {
            Some(last) if left.peek().is_some() => self.token(&last),
            Some(_) | None => String::new(),
        };
        (page, token)
    }

    fn token(&self, after: &str) -> String {
        seal(Purpose::Page, &[&self.query, after.as_bytes()].concat())
    }

    fn place(&self, token: &str) -> Option<String> {
        let content = open(Purpose::Page, token)?;
        let after = content.strip_prefix(&self.query)?;
        String::from_utf8(after.to_vec()).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(size: i32, token: &str, query: &[&str]) -> Result<Paging, crate::error::Problem> {
        let mut violations = Violations::new();
        let paging = Paging::read(&mut violations, size, token, query);
        violations.finish().map(|()| paging)
    }

    fn keyed(numbers: impl Iterator<Item = u32>) -> Vec<(String, u32)> {
        numbers.map(|number| (format!("{number:04}"), number)).collect()
    }

    #[test]
    fn pages_join_to_the_list_in_both_directions() {
        for descending in [false, true] {
            let mut items = keyed(0..107);
            if descending {
                items.reverse();
            }
            let expected: Vec<u32> = items.iter().map(|(_, item)| *item).collect();
            let (mut joined, mut token) = (vec![], String::new());
            loop {
                let (page, next) = read(10, &token, &["q"]).unwrap().cut(items.clone(), descending);
                joined.extend(page);
                token = next;
                if token.is_empty() {
                    break;
                }
            }
            assert_eq!(joined, expected);
        }
    }

    #[test]
    fn changes_meanwhile_neither_repeat_nor_hide() {
        let (first, token) = read(2, "", &["q"]).unwrap().cut(keyed(0..6), false);
        assert_eq!(first, [0, 1]);
        let changed = keyed([0, 2, 3, 9].into_iter());
        assert_eq!(read(9, &token, &["q"]).unwrap().cut(changed, false), (vec![2, 3, 9], String::new()));
    }

    #[test]
    fn a_token_is_bound_to_its_query() {
        let (_, token) = read(1, "", &["ListRollouts", "a"]).unwrap().cut(keyed(0..3), false);
        assert!(read(1, &token, &["ListRollouts", "a"]).is_ok());
        assert!(read(1, &token, &["ListRollouts", "b"]).is_err());
        assert!(read(1, "rubbish", &["ListRollouts", "a"]).is_err());
    }

    #[test]
    fn sizes_have_a_default_and_a_bound() {
        assert_eq!(read(0, "", &[]).unwrap().size, 50);
        assert!(read(1000, "", &[]).is_ok());
        for wrong in [-1, 1001] {
            assert!(read(wrong, "", &[]).is_err(), "{wrong}");
        }
    }
}
