//! Words among which one is rare: its entries are few, so each of them is asked for the rest.

use super::Walk;
use crate::audit::lists::{self, block_of, place};
use engine::ports::StoreError;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;

/// A word with so many entries at most is rare.
const RARE_MAX: usize = 2_000;
/// Entries that are looked up one by one; where there are more, the index goes through all lists at once.
const ASKED_MAX: usize = 100;

impl Walk<'_> {
    /// Something is looked for in words, and maybe `keys` with it; of the entries in `full` lists tell which have these.
    pub(super) async fn words(
        &mut self,
        keys: &[String],
        whole: &RangeInclusive<i64>,
        full: &RangeInclusive<i64>,
    ) -> Result<(), StoreError> {
        let found = match self.rarest(whole).await? {
            Some((word, found)) => self.of_these(keys, word, found, full).await?,
            None => None,
        };
        match found {
            Some(found) => {
                self.take(found);
                Ok(())
            }
            None => self.index(whole).await,
        }
    }

    /// The word with the fewest entries and all of these, where they are few.
    async fn rarest(&mut self, range: &RangeInclusive<i64>) -> Result<Option<(usize, Vec<i64>)>, StoreError> {
        let (asked, mut rarest, mut most) = (self.asked, None, RARE_MAX);
        for (word, text) in asked.words().iter().enumerate() {
            let limit = i64::try_from(most).unwrap_or(i64::MAX).saturating_add(1);
            let found = self.first(Some(text), range, limit).await?;
            if found.len() <= most {
                most = found.len();
                rarest = Some((word, found));
            }
        }
        Ok(rarest)
    }

    /// Those of a word's entries that meet the rest as well; `None` where too many would have to be looked up.
    async fn of_these(
        &mut self,
        keys: &[String],
        word: usize,
        found: Vec<i64>,
        full: &RangeInclusive<i64>,
    ) -> Result<Option<Vec<i64>>, StoreError> {
        let others = self.asked.all_but(word);
        let (listed, rest): (Vec<i64>, Vec<i64>) = found.into_iter().partition(|index| full.contains(index));
        let listed = self.with_keys(keys, listed).await?;
        let others_of_listed = self.asked.words_but(word);
        let looked_up = |text: &Option<String>, indexes: &[i64]| if text.is_some() { indexes.len() } else { 0 };
        if looked_up(&others_of_listed, &listed) + looked_up(&others, &rest) > ASKED_MAX {
            return Ok(None);
        }
        let mut kept = self.among(others_of_listed, listed).await?;
        kept.extend(self.among(others, rest).await?);
        Ok(Some(kept))
    }

    /// Those of them that have all of these keys, by the lists.
    async fn with_keys(&mut self, keys: &[String], found: Vec<i64>) -> Result<Vec<i64>, StoreError> {
        let blocks = found.iter().map(|index| block_of(*index));
        let (Some(first), Some(last)) = (blocks.clone().min(), blocks.max()) else { return Ok(found) };
        let cuts: BTreeMap<_, _> = lists::cut(self.one, keys, &(first..=last)).await?.into_iter().collect();
        let mut kept = Vec::new();
        for index in found {
            let block = block_of(index);
            if let Some(cut) = cuts.get(&block)
                && cut.contains(place(block, index)?)
            {
                kept.push(index);
            }
        }
        Ok(kept)
    }

    /// Those of them that meet that text, by the index; all of them where there is none.
    async fn among(&mut self, text: Option<String>, found: Vec<i64>) -> Result<Vec<i64>, StoreError> {
        match text {
            Some(text) if !found.is_empty() => self.indexes(self.asked.among(&text, &found)).await,
            _ => Ok(found),
        }
    }
}
