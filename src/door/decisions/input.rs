//! Decisions as other tools write them: the shapes a field may come in.

use serde::{Deserialize, Deserializer, de};
use serde_json::Value;

use crate::model::{Consequences, DecisionOption};

/// Texts, or one.
#[derive(Deserialize)]
#[serde(untagged)]
enum Texts {
    Many(Vec<String>),
    One(String),
    None(()),
}

impl From<Texts> for Vec<String> {
    fn from(texts: Texts) -> Vec<String> {
        let texts = match texts {
            Texts::Many(texts) => texts,
            Texts::One(text) => vec![text],
            Texts::None(()) => Vec::new(),
        };
        texts.iter().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty()).collect()
    }
}

pub fn items<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let texts = Texts::deserialize(deserializer);
    texts.map(Vec::from).map_err(|_| de::Error::custom("expected a text or a list of texts"))
}

pub fn context<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Described {
        #[serde(default)]
        description: String,
    }
    match Value::deserialize(deserializer)? {
        Value::Null => Ok(String::new()),
        Value::String(text) => Ok(text),
        Value::Object(described) => {
            let described = serde_json::from_value::<Described>(Value::Object(described));
            described.map(|described| described.description).map_err(|error| inside("context", &error))
        }
        _ => Err(de::Error::custom("context: expected a text or an object with a `description`")),
    }
}

/// Titles, or options in full.
pub fn options<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<DecisionOption>, D::Error> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Named {
        #[serde(alias = "solution", alias = "option")]
        title: String,
        #[serde(default, deserialize_with = "items")]
        pros: Vec<String>,
        #[serde(default, deserialize_with = "items")]
        cons: Vec<String>,
        #[serde(default, deserialize_with = "items")]
        neutral: Vec<String>,
        #[serde(default)]
        score: Option<f64>,
        #[serde(default, alias = "reason_rejected", alias = "rejection_reason")]
        rejected_because: Option<String>,
    }
    let given = Option::<Vec<Value>>::deserialize(deserializer)?.unwrap_or_default();
    let option = |value: Value| match value {
        Value::String(title) => Ok(DecisionOption::titled(line(&title))),
        value => {
            serde_json::from_value::<Named>(value).map_err(|error| inside("options", &error)).map(|named| {
                let why = named.rejected_because.map(|why| why.trim().to_owned());
                DecisionOption {
                    title: line(&named.title),
                    pros: named.pros,
                    cons: named.cons,
                    neutral: named.neutral,
                    score: named.score,
                    rejected_because: why.filter(|why| !why.is_empty()),
                }
            })
        }
    };
    given.into_iter().map(option).collect()
}

pub fn consequences<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Consequences, D::Error> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Sorted {
        #[serde(default, alias = "positive", deserialize_with = "items")]
        good: Vec<String>,
        #[serde(default, alias = "negative", deserialize_with = "items")]
        bad: Vec<String>,
        #[serde(default, deserialize_with = "items")]
        neutral: Vec<String>,
    }
    let given = Value::deserialize(deserializer)?;
    if given.is_object() {
        let sorted =
            serde_json::from_value::<Sorted>(given).map_err(|error| inside("consequences", &error))?;
        return Ok(Consequences { good: sorted.good, bad: sorted.bad, neutral: sorted.neutral });
    }
    let neutral = items(given).map_err(|error| inside("consequences", &error))?;
    Ok(Consequences { neutral, ..Consequences::default() })
}

/// What is wrong inside a field, saying which, an unknown name still first.
fn inside<E: de::Error>(field: &str, error: &serde_json::Error) -> E {
    let text = error.to_string();
    match text.strip_prefix("unknown field ").and_then(|rest| rest.split_once(", expected ")) {
        Some((name, known)) => E::custom(format!("unknown field {name} in {field}, expected {known}")),
        None => E::custom(format!("{field}: {text}")),
    }
}

/// The option that is meant, by its own title: spaces and case do not tell options apart.
pub fn chosen(given: Option<String>, options: &[DecisionOption]) -> Option<String> {
    let given = given.filter(|given| !given.trim().is_empty())?;
    let words = line(&given).to_lowercase();
    let exact = options.iter().find(|option| option.title == given);
    let meant = exact.or_else(|| options.iter().find(|option| line(&option.title).to_lowercase() == words));
    Some(meant.map_or_else(|| line(&given), |option| option.title.clone()))
}

/// On one line.
pub fn line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
