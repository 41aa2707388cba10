//! What pages need to speak: `use crate::i18n::*`, then the macros `word!`, `text!` and `said!`.

pub use crate::state::language::{I18n, use_i18n};
pub use crate::texts::i18n::{Locale, td_string};
