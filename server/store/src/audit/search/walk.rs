//! The way through a file, from the newest entries on: lists answer for full blocks, the index for what lies before and after them
//! and for what no list knows.

mod rare;

use super::Asked;
use crate::audit::lists::{self, Lists, NONE};
use crate::codec::{corrupt, db, get};
use engine::ports::StoreError;
use model::audit::COUNT_MAX;
use sqlx::{QueryBuilder, Sqlite, SqliteConnection};
use std::ops::RangeInclusive;

/// Entries that the index is asked for first; where that is too little, so many times as many, and so on.
const WINDOW: i64 = 2_000;
const WIDER: i64 = 16;
/// Entries of one window that are read at most; where there are more, it becomes narrower again.
const FOUND_MAX: i64 = 2_000;
/// Entries among which the index counts, unless it finds no page's worth of them there.
const COUNTED_AMONG: i64 = 34_000;
/// Blocks whose lists are read first, and at most; from one reading to the next [`MORE_BLOCKS`] times as many.
const BLOCKS: i64 = 4;
const BLOCKS_MAX: i64 = 64;
const MORE_BLOCKS: i64 = 4;

pub(super) struct Found {
    /// Indexes of the page, the newest first.
    pub newest: Vec<i64>,
    pub total: u64,
    /// Not all of them were counted.
    pub more: bool,
}

/// The first `want` entries before the cursor, and how many there are in the file, counted up to [`COUNT_MAX`].
pub(super) async fn walk(
    one: &mut SqliteConnection,
    lists: Lists,
    asked: &Asked,
    before: Option<i64>,
    want: usize,
) -> Result<Found, StoreError> {
    Walk::new(one, asked, before.unwrap_or(i64::MAX), want).through(lists).await
}

/// Indexes of the first `want` entries before the cursor; how many there are is not asked.
pub(super) async fn newest(
    one: &mut SqliteConnection,
    lists: Lists,
    asked: &Asked,
    before: Option<i64>,
    want: usize,
) -> Result<Vec<i64>, StoreError> {
    let walk = Walk { is_counted: true, ..Walk::new(one, asked, before.unwrap_or(i64::MAX), want) };
    Ok(walk.through(lists).await?.newest)
}

struct Walk<'a> {
    one: &'a mut SqliteConnection,
    asked: &'a Asked,
    /// The cursor.
    before: i64,
    want: usize,
    newest: Vec<i64>,
    count: u64,
    /// How many entries the index went through while it counted.
    counted_among: i64,
    /// It is known how many there are, as far as that is told.
    is_counted: bool,
    /// Not everything was counted.
    is_more: bool,
}

impl<'a> Walk<'a> {
    fn new(one: &'a mut SqliteConnection, asked: &'a Asked, before: i64, want: usize) -> Self {
        let newest = Vec::new();
        Self { one, asked, before, want, newest, count: 0, counted_among: 0, is_counted: false, is_more: false }
    }

    async fn through(mut self, lists: Lists) -> Result<Found, StoreError> {
        let asked = self.asked;
        let whole = whole(self.one).await?;
        if asked.period.is_none() && !asked.is_matched() {
            return self.everything(&whole).await;
        }
        let whole = asked.period.map_or(whole.clone(), |period| common(&whole, &period.span()));
        let inside = asked.period.map_or(whole.clone(), |period| period.inside());
        let keys = asked.listed().unwrap_or_default();
        let full = if keys.is_empty() { NONE } else { lists::full(lists, self.one).await? };
        let full = common(&common(&whole, &inside), &full);
        if !asked.words().is_empty() {
            self.words(&keys, &whole, &full).await?;
        } else if full.is_empty() {
            self.index(&whole).await?;
        } else {
            self.index(&(full.end() + 1..=*whole.end())).await?;
            self.full(&keys, &full).await?;
            self.index(&(*whole.start()..=full.start() - 1)).await?;
        }
        Ok(self.found())
    }

    fn found(self) -> Found {
        let more = self.is_more || self.count > COUNT_MAX;
        Found { newest: self.newest, total: self.count.min(COUNT_MAX), more }
    }

    /// Every entry of the file; indexes have no gaps.
    async fn everything(mut self, whole: &RangeInclusive<i64>) -> Result<Found, StoreError> {
        let most = i64::try_from(self.want).unwrap_or(i64::MAX);
        let newest = self.indexes(self.asked.last(&common(whole, &self.before_cursor()), most)).await?;
        let total = u64::try_from(whole.end() - whole.start() + 1).unwrap_or(0);
        Ok(Found { newest, total, more: false })
    }

    const fn before_cursor(&self) -> RangeInclusive<i64> {
        i64::MIN..=self.before.saturating_sub(1)
    }

    const fn left(&self) -> usize {
        self.want.saturating_sub(self.newest.len())
    }

    const fn is_done(&self) -> bool {
        self.is_counted && self.left() == 0
    }

    /// So many more, which counts until the number is known.
    fn count(&mut self, more: u64) {
        if self.is_counted {
            self.is_more |= more > 0;
        } else {
            self.count += more;
            self.is_counted = self.count > COUNT_MAX;
        }
    }

    /// By the index, window by window and each from its beginning: from its end the index goes through a long list again and
    /// again.
    async fn index(&mut self, range: &RangeInclusive<i64>) -> Result<(), StoreError> {
        let matching = self.asked.matching();
        let (mut last, mut width) = (*range.end(), WINDOW);
        while last >= *range.start() && !self.is_done() {
            if self.is_counted && last >= self.before {
                self.is_more = true;
                (last, width) = (self.before - 1, WINDOW);
                continue;
            }
            let window = *range.start().max(&last.saturating_sub(width - 1))..=last;
            let found = self.first(matching.as_deref(), &window, FOUND_MAX + 1).await?;
            let is_cut = i64::try_from(found.len()).is_ok_and(|count| count > FOUND_MAX);
            if is_cut && *window.start() < self.before && self.left() > 0 {
                // The newest of them may be missing. No window of the first width has so many.
                width /= WIDER;
                continue;
            }
            self.take(found);
            self.counted_among += last - window.start() + 1;
            self.is_counted |= self.counted_among >= COUNTED_AMONG && self.count >= self.want as u64;
            last = window.start() - 1;
            width = width.saturating_mul(WIDER);
        }
        self.is_more |= last >= *range.start();
        Ok(())
    }

    /// All entries of a part that meet what is looked for; each part is older than those before.
    fn take(&mut self, mut all: Vec<i64>) {
        self.count(all.len() as u64);
        all.retain(|index| *index < self.before);
        all.sort_by_key(|index| std::cmp::Reverse(*index));
        self.newest.extend(all.into_iter().take(self.left()));
    }

    /// Full blocks, by their lists.
    async fn full(&mut self, keys: &[String], range: &RangeInclusive<i64>) -> Result<(), StoreError> {
        let (mut last, mut width) = (lists::block_of(*range.end()), BLOCKS);
        let oldest = lists::block_of(*range.start());
        while last >= oldest && !self.is_done() {
            if self.is_counted {
                last = last.min(lists::block_of(self.before));
            }
            let blocks = oldest.max(last.saturating_sub(width - 1))..=last;
            for (block, mut places) in lists::cut(self.one, keys, &blocks).await? {
                lists::keep(block, &mut places, range);
                self.count(places.len());
                lists::keep(block, &mut places, &self.before_cursor());
                self.newest.extend(lists::newest(block, &places).take(self.left()));
            }
            last = blocks.start() - 1;
            width = BLOCKS_MAX.min(width * MORE_BLOCKS);
        }
        self.is_more |= last >= oldest;
        Ok(())
    }

    async fn first(
        &mut self,
        matching: Option<&str>,
        range: &RangeInclusive<i64>,
        most: i64,
    ) -> Result<Vec<i64>, StoreError> {
        self.indexes(self.asked.first(matching, range, most)).await
    }

    async fn indexes(&mut self, mut query: QueryBuilder<Sqlite>) -> Result<Vec<i64>, StoreError> {
        let all: Option<String> = query.build_query_scalar().fetch_one(&mut *self.one).await.map_err(db)?;
        let indexes = all.iter().flat_map(|all| all.split(' ')).map(str::parse);
        indexes.collect::<Result<_, _>>().map_err(|error| corrupt("index of the audit", error))
    }
}

/// The indexes of the file; empty where it has none.
async fn whole(one: &mut SqliteConnection) -> Result<RangeInclusive<i64>, StoreError> {
    let sql = "SELECT idx + 1 AS first, COALESCE((SELECT MAX(idx) FROM audit), idx) AS last FROM audit_base";
    let row = sqlx::query(sql).fetch_one(one).await.map_err(db)?;
    Ok(get(&row, "first")?..=get(&row, "last")?)
}

fn common(one: &RangeInclusive<i64>, other: &RangeInclusive<i64>) -> RangeInclusive<i64> {
    *one.start().max(other.start())..=*one.end().min(other.end())
}
