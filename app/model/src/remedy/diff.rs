//! Two texts line by line, as people read a change.

/// Beyond so many lines in the middle the whole middle is shown as replaced, so that a browser is never busy for long.
const LINES_MAX: usize = 1_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DiffKind {
    Same,
    Gone,
    New,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiffLine {
    pub kind: DiffKind,
    pub text: String,
}

/// Every line of both texts once; what goes stands before what comes.
#[must_use]
pub fn diff(old: &str, new: &str) -> Vec<DiffLine> {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    let head = old.iter().zip(&new).take_while(|(one, other)| one == other).count();
    let (old_rest, new_rest) = (old.get(head..).unwrap_or_default(), new.get(head..).unwrap_or_default());
    let tail = old_rest.iter().rev().zip(new_rest.iter().rev()).take_while(|(one, other)| one == other).count();
    let old_middle = old_rest.get(..old_rest.len() - tail).unwrap_or_default();
    let new_middle = new_rest.get(..new_rest.len() - tail).unwrap_or_default();
    let mut out: Vec<DiffLine> = old.iter().take(head).map(|text| line(DiffKind::Same, text)).collect();
    out.extend(middle(old_middle, new_middle));
    out.extend(old_rest.iter().skip(old_middle.len()).map(|text| line(DiffKind::Same, text)));
    out
}

fn line(kind: DiffKind, text: &str) -> DiffLine {
    DiffLine { kind, text: text.to_owned() }
}

/// By the longest common subsequence.
fn middle(old: &[&str], new: &[&str]) -> Vec<DiffLine> {
    let lengths = if old.len().max(new.len()) <= LINES_MAX { lengths(old, new) } else { Vec::new() };
    let common = |at: usize, to: usize| lengths.get(at).and_then(|row| row.get(to)).copied().unwrap_or(0);
    let (mut at, mut to) = (0, 0);
    let mut out = Vec::new();
    loop {
        match (old.get(at), new.get(to)) {
            (None, None) => return out,
            (Some(one), Some(other)) if one == other && common(at, to) > 0 => {
                out.push(line(DiffKind::Same, one));
                at += 1;
                to += 1;
            }
            (Some(one), other) if other.is_none() || common(at + 1, to) >= common(at, to + 1) => {
                out.push(line(DiffKind::Gone, one));
                at += 1;
            }
            (_, Some(other)) => {
                out.push(line(DiffKind::New, other));
                to += 1;
            }
            (Some(_), None) => return out,
        }
    }
}

/// How many lines the rests from each place on have in common.
fn lengths(old: &[&str], new: &[&str]) -> Vec<Vec<u16>> {
    let mut table = vec![vec![0_u16; new.len() + 1]; old.len() + 1];
    for at in (0..old.len()).rev() {
        for to in (0..new.len()).rev() {
            let of = |at: usize, to: usize| table.get(at).and_then(|row| row.get(to)).copied().unwrap_or(0);
            let length = if old.get(at) == new.get(to) {
                of(at + 1, to + 1).saturating_add(1)
            } else {
                of(at + 1, to).max(of(at, to + 1))
            };
            if let Some(place) = table.get_mut(at).and_then(|row| row.get_mut(to)) {
                *place = length;
            }
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(old: &str, new: &str) -> Vec<String> {
        let mark = |kind| match kind {
            DiffKind::Same => ' ',
            DiffKind::Gone => '-',
            DiffKind::New => '+',
        };
        diff(old, new).iter().map(|line| format!("{}{}", mark(line.kind), line.text)).collect()
    }

    #[test]
    fn what_goes_stands_before_what_comes() {
        assert_eq!(shown("a\nb\nc\n", "a\nx\nc\n"), [" a", "-b", "+x", " c"]);
        assert_eq!(shown("a\nb\nc\nd\n", "a\nc\nd\ne\n"), [" a", "-b", " c", " d", "+e"]);
        assert_eq!(shown("", "a\n"), ["+a"]);
        assert_eq!(shown("a\n", ""), ["-a"]);
        assert_eq!(shown("a\na\n", "a\n"), [" a", "-a"]);
    }

    #[test]
    fn both_texts_can_be_read_out_of_it() {
        let (old, new) = ("1\n2\n3\n4\n5\n", "0\n2\n4\n3\n5\n6\n");
        let of = |skipped: DiffKind| {
            let lines = diff(old, new).into_iter().filter(|line| line.kind != skipped);
            lines.map(|line| format!("{}\n", line.text)).collect::<String>()
        };
        assert_eq!((of(DiffKind::New), of(DiffKind::Gone)), (old.to_owned(), new.to_owned()));
    }

    #[test]
    fn very_long_texts_are_replaced_as_a_whole() {
        let old: String = (0..2_000).map(|n| format!("{n}\n")).collect();
        let new: String = (0..2_000).map(|n| format!("{}\n", n + 1_000_000)).collect();
        let lines = diff(&old, &new);
        assert_eq!(lines.iter().filter(|line| line.kind == DiffKind::Gone).count(), 2_000);
        assert_eq!(lines.len(), 4_000);
    }
}
