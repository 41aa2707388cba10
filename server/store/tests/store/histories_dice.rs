//! Chance that comes again, and what came of it.

use crate::histories_ports::Answer;
use std::collections::BTreeMap;

const SEED: u64 = 2_026;
/// Everything that people and the world do.
pub const WORDS: [&str; 19] = [
    "ask",
    "ask for a policy",
    "approve",
    "reject",
    "withdraw",
    "use",
    "break glass",
    "stop",
    "run out",
    "review",
    "expire",
    "run plainly",
    "apply alone",
    "the world moves",
    "the clock goes back",
    "accounts change",
    "crash",
    "one of two at once",
    "both of two at once",
];

/// Where the histories begin; each one has the seed of the one before and one more.
pub fn seed() -> u64 {
    std::env::var("QUORATE_SEED").map_or(SEED, |text| text.parse().expect("QUORATE_SEED is a number"))
}

/// Says which history it was that failed: `QUORATE_SEED` begins with it.
pub struct Named(pub u64);

impl Drop for Named {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("it was the history with the seed {}", self.0);
        }
    }
}

/// SplitMix64: small, and the same everywhere.
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.roll() % end as u64).expect("small")
    }

    pub fn of<T: Clone>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())].clone()
    }

    pub fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }
}

/// How often each answer was given, and what ran.
#[derive(Default)]
pub struct Counts {
    answers: BTreeMap<String, u64>,
    pub plain: u64,
    pub agreed: u64,
    pub alone: u64,
}

const WENT: &str = "goes through";

impl Counts {
    /// Numbers in an answer are left out, for each would be an answer of its own.
    pub fn add(&mut self, word: &str, answer: Answer) {
        let said = answer.map_or_else(|why| why, |()| WENT.to_owned());
        let said: String = said.chars().filter(|c| !c.is_ascii_digit()).collect();
        *self.answers.entry(format!("{word}: {said}")).or_default() += 1;
    }

    /// Of the words, those of which not even so many went through.
    pub fn rarely<'a>(&self, words: &[&'a str], least: u64) -> Vec<&'a str> {
        let went = |word: &str| self.answers.get(&format!("{word}: {WENT}")).copied().unwrap_or(0);
        words.iter().copied().filter(|word| went(word) < least).collect()
    }

    pub fn refusals(&self) -> usize {
        self.answers.keys().filter(|answer| !answer.ends_with(WENT)).count()
    }

    pub fn report(&self, what: &str) {
        println!("{what}, seed {}: {} ran plainly, {} agreed, {} alone", seed(), self.plain, self.agreed, self.alone);
        for (answer, count) in &self.answers {
            println!("{count:>9}  {answer}");
        }
    }
}
