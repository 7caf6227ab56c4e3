//! A few things by name. Thousands of these are kept, mostly with one thing in each, and a tree's least room is for eleven.

use std::{fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{MapAccess, Visitor},
};

/// Sorted by name.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ByName<T>(Vec<(Box<str>, T)>);

struct Entries<T>(PhantomData<T>);

// === impl ByName ===

impl<T> Default for ByName<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> ByName<T> {
    fn find(&self, name: &str) -> Result<usize, usize> {
        self.0.binary_search_by(|(known, _)| (**known).cmp(name))
    }

    pub(crate) fn get(&self, name: &str) -> Option<&T> {
        self.0.get(self.find(name).ok()?).map(|(_, value)| value)
    }

    pub(crate) fn get_mut(&mut self, name: &str) -> Option<&mut T> {
        let at = self.find(name).ok()?;
        self.0.get_mut(at).map(|(_, value)| value)
    }

    pub(crate) fn contains(&self, name: &str) -> bool {
        self.find(name).is_ok()
    }

    /// In place of what had the name.
    pub(crate) fn insert(&mut self, name: &str, value: T) {
        match self.find(name) {
            Ok(at) => self.0[at].1 = value,
            Err(at) => {
                // no more room than it needs while there are few of them
                if self.0.len() < FEW {
                    self.0.reserve_exact(1);
                }
                self.0.insert(at, (name.into(), value));
            }
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn values(&self) -> impl Iterator<Item = &T> {
        self.0.iter().map(|(_, value)| value)
    }

    pub(crate) fn values_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.0.iter_mut().map(|(_, value)| value)
    }
}

const FEW: usize = 16;

impl<T: Serialize> Serialize for ByName<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for ByName<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Entries(PhantomData))
    }
}

// === impl Entries ===

impl<'de, T: Deserialize<'de>> Visitor<'de> for Entries<T> {
    type Value = ByName<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map by name")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ByName<T>, A::Error> {
        let mut read = ByName::default();
        while let Some((name, value)) = map.next_entry::<String, T>()? {
            read.insert(&name, value);
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_a_map_in_the_order_of_names() {
        let mut map = ByName::default();
        for (name, value) in [("b", 1), ("a", 2), ("c", 3), ("b", 4)] {
            map.insert(name, value);
        }
        *map.get_mut("c").unwrap() += 10;
        assert_eq!((map.get("b"), map.get("d"), map.contains("a"), map.len()), (Some(&4), None, true, 3));
        let text = serde_json::to_string(&map).unwrap();
        assert_eq!(text, r#"{"a":2,"b":4,"c":13}"#);
        assert_eq!(serde_json::from_str::<ByName<i32>>(&text).unwrap(), map);
        map.values_mut().for_each(|value| *value = 0);
        assert_eq!(map.values().sum::<i32>(), 0);
    }
}
