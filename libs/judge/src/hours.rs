//! Something of each hour of a week: thousands of targets are kept, of most of which a few hours have been seen.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// By place in the week, 0 to 167; those that were not seen take no room.
#[derive(Clone, Debug, PartialEq)]
pub struct Hours<T>(Vec<(u8, T)>);

/// Hours of a week.
pub const HOURS: u8 = 168;

// === impl Hours ===

impl<T> Default for Hours<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Hours<T> {
    fn find(&self, place: usize) -> Result<usize, usize> {
        self.0.binary_search_by_key(&place, |(known, _)| usize::from(*known))
    }

    /// That of a place. None where nothing was seen.
    pub fn get(&self, place: usize) -> Option<&T> {
        self.0.get(self.find(place).ok()?).map(|(_, hour)| hour)
    }

    /// Those that were seen, with their places, in order.
    pub fn seen(&self) -> impl Iterator<Item = (usize, &T)> {
        self.0.iter().map(|(place, hour)| (usize::from(*place), hour))
    }
}

impl<T: Default> Hours<T> {
    /// That of a place, to be told of it. None beyond the week.
    pub fn at(&mut self, place: usize) -> Option<&mut T> {
        let known = u8::try_from(place).ok().filter(|place| *place < HOURS)?;
        let at = self.find(place).unwrap_or_else(|at| {
            self.0.reserve_exact(1);
            self.0.insert(at, (known, T::default()));
            at
        });
        self.0.get_mut(at).map(|(_, hour)| hour)
    }
}

impl<T: Serialize + Default> Serialize for Hours<T> {
    /// All hours in order.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let unseen = T::default();
        serializer.collect_seq((0..HOURS).map(|place| self.get(place.into()).unwrap_or(&unseen)))
    }
}

impl<'de, T: Deserialize<'de> + Default + PartialEq> Deserialize<'de> for Hours<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (all, unseen) = (Vec::<T>::deserialize(deserializer)?, T::default());
        Ok(Self((0..HOURS).zip(all).filter(|(_, hour)| *hour != unseen).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_seen_takes_room_and_all_are_written() {
        let mut hours = Hours::<u32>::default();
        for (place, value) in [(100, 7), (3, 5), (167, 9)] {
            *hours.at(place).unwrap() += value;
        }
        assert!(hours.at(168).is_none());
        assert_eq!((hours.get(3), hours.get(4)), (Some(&5), None));
        assert_eq!(hours.seen().collect::<Vec<_>>(), [(3, &5), (100, &7), (167, &9)]);
        let text = serde_json::to_string(&hours).unwrap();
        assert!(text.starts_with("[0,0,0,5,0,"), "{text}");
        assert_eq!(serde_json::from_str::<Vec<u32>>(&text).unwrap().len(), 168);
        assert_eq!(serde_json::from_str::<Hours<u32>>(&text).unwrap(), hours);
    }
}
