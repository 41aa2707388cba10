//! How values travel: JSON, read in one way everywhere.
//!
//! Serde makes its code once more for every source that a type is read from: a text, a slice, and the buffer that tagged
//! enums are read through. In the browser that was a sixth of the module. So every answer is first read into that buffer, and
//! the types are read from there only.

use leptos::prelude::Resource;
use leptos::server::codee::{Decoder, Encoder};
use leptos::server_fn::codec::Post;
use leptos::server_fn::{Bytes, ContentType, Decodes, Encodes, Format, FormatType};
use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Serialize};
use std::future::Future;
use std::pin::Pin;

/// JSON, both ways.
#[derive(Debug, Clone, Copy)]
pub struct Wire;

/// What a page reads from the server: `None` while it is on its way.
pub type Reading<T> = Resource<T, Wire>;

/// The encoding of server functions: JSON in the body of a POST.
pub type Json = Post<Wire>;

/// A tagged enum is what makes serde read by way of the buffer.
#[derive(Deserialize)]
#[serde(tag = "as", rename_all = "lowercase")]
enum Envelope<T> {
    Held { value: T },
}

/// Reads a value from JSON.
///
/// # Errors
/// What is wrong with the text, and where.
pub fn read<T: DeserializeOwned>(text: &str) -> Result<T, serde_json::Error> {
    let Envelope::Held { value } = serde_json::from_str(&format!(r#"{{"as":"held","value":{text}}}"#))?;
    Ok(value)
}

/// Reads from the server, at once and again when `source` changes.
pub fn reading<T, S, F>(
    source: impl Fn() -> S + Send + Sync + 'static,
    fetch: impl Fn(S) -> F + Send + Sync + 'static,
) -> Reading<T>
where
    T: Serialize + DeserializeOwned + Send + Sync + 'static,
    S: PartialEq + Clone + Send + Sync + 'static,
    F: Future<Output = T> + Send + 'static,
{
    resource(source, fetch, false)
}

/// Like [`reading`]; the page waits for it before its first byte leaves the server.
pub fn reading_first<T, S, F>(
    source: impl Fn() -> S + Send + Sync + 'static,
    fetch: impl Fn(S) -> F + Send + Sync + 'static,
) -> Reading<T>
where
    T: Serialize + DeserializeOwned + Send + Sync + 'static,
    S: PartialEq + Clone + Send + Sync + 'static,
    F: Future<Output = T> + Send + 'static,
{
    resource(source, fetch, true)
}

type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send>>;
type Fetch<S, T> = Box<dyn Fn(S) -> Boxed<T> + Send + Sync>;

/// Boxed: every page's future would be compiled into its own variant of a resource.
fn resource<T, S, F>(
    source: impl Fn() -> S + Send + Sync + 'static,
    fetch: impl Fn(S) -> F + Send + Sync + 'static,
    blocking: bool,
) -> Reading<T>
where
    T: Serialize + DeserializeOwned + Send + Sync + 'static,
    S: PartialEq + Clone + Send + Sync + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let fetch: Fetch<S, T> = Box::new(move |source| Box::pin(fetch(source)));
    Resource::new_with_options(source, fetch, blocking)
}

impl<T: Serialize> Encoder<T> for Wire {
    type Error = serde_json::Error;
    type Encoded = String;

    fn encode(value: &T) -> Result<String, Self::Error> {
        serde_json::to_string(value)
    }
}

impl<T: DeserializeOwned> Decoder<T> for Wire {
    type Error = serde_json::Error;
    type Encoded = str;

    fn decode(text: &str) -> Result<T, Self::Error> {
        read(text)
    }
}

impl ContentType for Wire {
    const CONTENT_TYPE: &'static str = "application/json";
}

impl FormatType for Wire {
    const FORMAT_TYPE: Format = Format::Text;
}

impl<T: Serialize> Encodes<T> for Wire {
    type Error = serde_json::Error;

    fn encode(value: &T) -> Result<Bytes, Self::Error> {
        serde_json::to_vec(value).map(Bytes::from)
    }
}

impl<T: DeserializeOwned> Decodes<T> for Wire {
    type Error = serde_json::Error;

    fn decode(bytes: Bytes) -> Result<T, Self::Error> {
        read(std::str::from_utf8(&bytes).map_err(Error::custom)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::{ApiError, ApiResult};
    use model::problem::{Problem, ProblemCode};
    use serde_json::json;
    use std::collections::BTreeMap;
    use std::fmt::Debug;

    fn comes_back<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T) {
        let text = <Wire as Encoder<T>>::encode(value).unwrap();
        assert_eq!(&<Wire as Decoder<T>>::decode(&text).unwrap(), value, "{text}");
        let bytes = <Wire as Encodes<T>>::encode(value).unwrap();
        assert_eq!(&<Wire as Decodes<T>>::decode(bytes).unwrap(), value);
    }

    #[test]
    fn what_is_written_is_read() {
        comes_back(&());
        comes_back(&Option::<String>::None);
        comes_back(&vec![Some(u64::MAX), None]);
        comes_back(&BTreeMap::from([("a \"quoted\" }]\\ key".to_owned(), -1.5)]));
        let refused: ApiResult<()> =
            Err(ApiError(Problem::new(ProblemCode::Internal).quoting("</script>\u{0}".to_owned())));
        comes_back(&refused);
    }

    #[test]
    fn only_one_whole_value_is_read() {
        for text in ["", "1,2", "1}", "1, \"value\": 2", "nonsense", "{\"as\":1"] {
            assert!(read::<u32>(text).is_err(), "{text}");
        }
        assert_eq!(
            read::<serde_json::Value>(r#"{"as":"other","value":1}"#).unwrap(),
            json!({"as": "other", "value": 1})
        );
    }
}
