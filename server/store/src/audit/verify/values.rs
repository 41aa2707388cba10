//! The entries of each value of one field, gathered from a million of them: what comes often is found without a look-up.

use super::super::keys::{Field, Value};
use super::pages::Lists;
use foldhash::fast::RandomState;
use std::collections::HashMap;
use uuid::Uuid;

#[derive(Default)]
pub(super) struct Values {
    lists: Vec<Vec<i64>>,
    /// Which list is whose. There are few words.
    words: Vec<(&'static str, usize)>,
    texts: HashMap<String, usize, RandomState>,
    ids: HashMap<Uuid, usize, RandomState>,
    /// An operation has many entries in a row.
    last: Option<(Uuid, usize)>,
}

impl Values {
    pub fn add(&mut self, value: Value<'_>, index: i64) {
        let place = self.place(value);
        if let Some(list) = self.lists.get_mut(place) {
            list.push(index);
        }
    }

    /// The list of a value, which begins where there is none.
    fn place(&mut self, value: Value<'_>) -> usize {
        let new = self.lists.len();
        let place = match value {
            Value::Id(id) => {
                let place = match self.last {
                    Some((last, place)) if last == id => place,
                    _ => *self.ids.entry(id).or_insert(new),
                };
                self.last = Some((id, place));
                place
            }
            Value::Word(word) => match self.words.iter().find(|(known, _)| *known == word) {
                Some((_, place)) => *place,
                None => {
                    self.words.push((word, new));
                    new
                }
            },
            Value::Text(text) => match self.texts.get(text) {
                Some(place) => *place,
                None => {
                    self.texts.insert(text.to_owned(), new);
                    new
                }
            },
        };
        if place == new {
            self.lists.push(Vec::new());
        }
        place
    }

    /// Together with the values of what follows.
    pub fn and(mut self, mut next: Self) -> Self {
        if self.lists.is_empty() {
            return next;
        }
        let ids = next.ids.into_iter().map(|(id, place)| (self.place(Value::Id(id)), place));
        let mut places: Vec<_> = ids.collect();
        places.extend(next.words.into_iter().map(|(word, place)| (self.place(Value::Word(word)), place)));
        places.extend(next.texts.into_iter().map(|(text, place)| (self.place(Value::Text(&text)), place)));
        for (mine, theirs) in places {
            if let (Some(mine), Some(theirs)) = (self.lists.get_mut(mine), next.lists.get_mut(theirs)) {
                mine.append(theirs);
            }
        }
        self
    }

    /// By key.
    pub fn lists(mut self, field: Field) -> Lists {
        let ids = self.ids.into_iter().map(|(id, place)| (field.key(&Value::Id(id).text()), place));
        let words = self.words.into_iter().map(|(word, place)| (field.key(word), place));
        let texts = self.texts.into_iter().map(|(text, place)| (field.key(&text), place));
        let lists = &mut self.lists;
        let all = ids.chain(words).chain(texts);
        all.filter_map(|(key, place)| Some((key, std::mem::take(lists.get_mut(place)?)))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_has_its_own_entries_in_their_order() {
        let (one, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let text = String::from("pve1");
        let (mut first, mut second) = (Values::default(), Values::default());
        let values = [Value::Id(one), Value::Id(other), Value::Word("success"), Value::Text(&text), Value::Id(one)];
        for (index, value) in (1..).zip(values) {
            first.add(value, index);
        }
        for (index, value) in
            (6..).zip([Value::Text("pve2"), Value::Id(other), Value::Text("pve1"), Value::Word("failed")])
        {
            second.add(value, index);
        }
        let field = Field::Node;
        let id = |id| field.key(&Value::Id(id).text());
        let expected = [
            (id(one), vec![1, 5]),
            (id(other), vec![2, 7]),
            (field.key("success"), vec![3]),
            (field.key("pve1"), vec![4, 8]),
            (field.key("pve2"), vec![6]),
            (field.key("failed"), vec![9]),
        ];
        let all = Values::default().and(first).and(second).and(Values::default());
        assert_eq!(all.lists(field), Lists::from(expected));
    }
}
