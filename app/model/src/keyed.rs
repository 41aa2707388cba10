//! Maps with numbers as keys: JSON writes a key as text, and whoever reads a tagged enum through serde's buffer gets it as text.

use serde::de::Error;
use serde::{Deserialize, Deserializer};
use std::collections::BTreeMap;
use std::fmt::Display;
use std::str::FromStr;

/// For `#[serde(deserialize_with)]`: `{"0": …}` -> `0`, whichever way the map is read.
///
/// # Errors
/// A key that is no number of this type.
pub fn by_number<'de, K, V, D>(deserializer: D) -> Result<BTreeMap<K, V>, D::Error>
where
    K: FromStr<Err: Display> + Ord,
    V: Deserialize<'de>,
    D: Deserializer<'de>,
{
    let texts = BTreeMap::<String, V>::deserialize(deserializer)?;
    texts.into_iter().map(|(key, value)| Ok((key.parse().map_err(D::Error::custom)?, value))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Serialize;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Links {
        #[serde(deserialize_with = "by_number")]
        addresses: BTreeMap<u8, String>,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(tag = "kind")]
    enum Tagged {
        Node(Links),
    }

    #[test]
    fn numbers_come_back_through_a_tagged_enum() {
        let node = Tagged::Node(Links { addresses: BTreeMap::from([(0, "a".to_owned()), (7, "b".to_owned())]) });
        let text = serde_json::to_string(&node).unwrap();
        assert!(text.contains(r#""7":"b""#), "{text}");
        assert_eq!(serde_json::from_str::<Tagged>(&text).unwrap(), node);
    }

    /// One that was forgotten shows only in a browser, as an answer that cannot be read.
    #[test]
    fn no_field_with_numbers_as_keys_is_forgotten() {
        let mut folders = vec![std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src")];
        let mut seen = 0;
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                let text = std::fs::read_to_string(&path).unwrap();
                let mut before = "";
                for line in text.lines() {
                    let field = line.trim_start().starts_with("pub ") && line.trim_end().ends_with(',');
                    let numbers = ["<u8,", "<u16,", "<u32,", "<u64,", "<CorosyncNodeId,"];
                    if field && numbers.iter().any(|keys| line.contains(&format!("Map{keys}"))) {
                        assert!(before.contains("keyed::by_number"), "{}: {line}", path.display());
                        seen += 1;
                    }
                    before = line;
                }
            }
        }
        assert!(seen >= 5, "only {seen} fields found");
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for key in ["", "x", "-1", "256"] {
            let text = format!(r#"{{"addresses":{{"{key}":"a"}}}}"#);
            assert!(serde_json::from_str::<Links>(&text).is_err(), "{key}");
        }
    }
}
