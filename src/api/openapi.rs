//! The surface as a document: every route with what it takes and answers, from the types that it takes and answers.
//!
//! A route that is in the table of routes and not described here, or the other way round, fails a test.

mod operations;
mod parameters;

use std::{collections::BTreeMap, sync::OnceLock};

use axum::{
    http::{HeaderValue, header},
    response::{Html, IntoResponse, Response},
};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use self::parameters::parameter;
use super::{
    params::Params,
    problem::Answer,
    routes::{Needs, Route, routes},
};
use crate::model::{Code, Fault, Scope};

const DESCRIPTION: &str = "The HTTP surface of a Wheelhouse hub. Through the hub's own Unix socket no key is needed; from outside \
     everything but the probes and this document takes one, with the scopes that stand at each operation. A fault is \
     `application/problem+json` with a stable `code`, a `message`, and where known a `cause` and a `hint`. Requests take \
     the field names of other memory servers too; answers always use the ones below. A parameter or field that is not \
     known is refused. `X-Correlation-Id` comes back in the answer and stands in every event of the request. Agents speak \
     the Model Context Protocol at `POST /mcp`.";

/// Whole in itself: it loads nothing but the document.
const PAGE: &str = include_str!("../../assets/docs.html");

pub async fn document(params: Params) -> Answer {
    params.end()?;
    static TEXT: OnceLock<String> = OnceLock::new();
    let text = TEXT.get_or_init(|| openapi().to_string());
    Ok(([(header::CONTENT_TYPE, "application/json")], text.as_str()).into_response())
}

/// The document for people. Nothing runs on the page and nothing styles it but what is in it: each answer has a word of
/// its own that says so.
pub async fn page(params: Params) -> Answer {
    params.end()?;
    let nonce = uuid::Uuid::new_v4().simple().to_string();
    let policy = format!(
        "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; connect-src 'self'; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    let mut response: Response = Html(PAGE.replace("{nonce}", &nonce)).into_response();
    let policy =
        HeaderValue::try_from(policy).map_err(|error| Fault::bug("a policy is ASCII").cause(error))?;
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    Ok(response)
}

/// The schemas that the operations name.
#[derive(Default)]
struct Schemas(BTreeMap<String, Value>);

impl Schemas {
    /// A type by its name.
    fn of<T: ToSchema>(&mut self) -> Value {
        let mut inside = Vec::new();
        T::schemas(&mut inside);
        inside.push((T::name().into_owned(), T::schema()));
        for (name, schema) in inside {
            self.0.entry(name).or_insert_with(|| serde_json::to_value(schema).unwrap_or_default());
        }
        json!({ "$ref": format!("#/components/schemas/{}", T::name()) })
    }
}

/// One route, as it is described.
struct Operation {
    method: &'static str,
    path: String,
    said: Map<String, Value>,
}

impl Operation {
    /// `asks` is method and path.
    fn new(asks: &str, name: &str, tag: &str, summary: &str) -> Operation {
        let (method, path) = asks.split_once(' ').unwrap_or(("", asks));
        let method = match method {
            "POST" => "post",
            "PATCH" => "patch",
            "DELETE" => "delete",
            _ => "get",
        };
        let said = json!({
            "operationId": name,
            "tags": [tag],
            "summary": summary,
            "parameters": in_path(path),
            "responses": { "default": { "$ref": "#/components/responses/Problem" } },
        });
        let Value::Object(said) = said else { unreachable!("it was just written") };
        Operation { method, path: path.to_owned(), said }
    }

    fn describe(mut self, text: &str) -> Operation {
        self.said.insert("description".to_owned(), text.into());
        self
    }

    /// Parameters of the address, by their names.
    fn with(mut self, names: &[&str]) -> Operation {
        let parameters = names.iter().map(|name| parameter(name));
        if let Some(Value::Array(all)) = self.said.get_mut("parameters") {
            all.extend(parameters);
        }
        self
    }

    fn header(mut self, name: &str, what: &str) -> Operation {
        let header =
            json!({ "in": "header", "name": name, "description": what, "schema": { "type": "string" } });
        if let Some(Value::Array(all)) = self.said.get_mut("parameters") {
            all.push(header);
        }
        self
    }

    /// A retry with the same key answers as the first one.
    fn repeatable(self) -> Operation {
        self.header("Idempotency-Key", "a retry with the same key changes nothing and answers as the first")
    }

    /// The revision that is meant to be changed.
    fn of_revision(self) -> Operation {
        self.header("If-Match", "the `ETag` that was read: refused as a conflict when it is no longer that")
            .with(&["revision"])
    }

    fn takes(self, schema: Value) -> Operation {
        self.body(schema, true)
    }

    fn may_take(self, schema: Value) -> Operation {
        self.body(schema, false)
    }

    fn body(mut self, schema: Value, required: bool) -> Operation {
        let body = json!({ "required": required, "content": { "application/json": { "schema": schema } } });
        self.said.insert("requestBody".to_owned(), body);
        self
    }

    fn answers(self, status: u16, schema: Value) -> Operation {
        self.answer(status, &[("application/json", schema)])
    }

    /// A write: one that is on disk and not yet shown is a success of its own.
    fn writes(self, status: u16, schema: Value) -> Operation {
        self.answers(status, schema.clone()).answers(202, schema)
    }

    fn answer(mut self, status: u16, kinds: &[(&str, Value)]) -> Operation {
        let content: Map<String, Value> =
            kinds.iter().map(|(kind, schema)| ((*kind).to_owned(), json!({ "schema": schema }))).collect();
        let what = match status {
            101 => "the connection is a socket from here on",
            201 => "made",
            202 => "taken, and not yet done or not yet shown",
            204 => "done",
            503 => "as bad as can be",
            _ => "as asked",
        };
        let mut answer = json!({ "description": what });
        if !content.is_empty() {
            answer["content"] = content.into();
        }
        if let Some(Value::Object(all)) = self.said.get_mut("responses") {
            all.insert(status.to_string(), answer);
        }
        self
    }
}

/// The parameters that a path has in it.
fn in_path(path: &str) -> Vec<Value> {
    path.split('/')
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
        .map(|name| {
            let mut found = parameter(name);
            found["in"] = "path".into();
            found["required"] = true.into();
            found
        })
        .collect()
}

/// What is asked for who asks: nothing, perhaps a key, a key, or a key with these.
fn security(needs: Needs) -> Value {
    match needs {
        Needs::Nothing => json!([]),
        Needs::Open => json!([{}, { "key": [] }]),
        Needs::Key => json!([{ "key": [] }]),
        Needs::All(scopes) => {
            json!([{ "key": scopes.iter().map(Scope::to_string).collect::<Vec<_>>() }])
        }
    }
}

/// The whole document.
pub fn openapi() -> Value {
    let mut schemas = Schemas::default();
    let described = operations::all(&mut schemas);
    let problem = problem(&mut schemas);
    let needs: BTreeMap<(String, String), Needs> = routes()
        .into_iter()
        .map(|Route { method, path, needs }| ((path, method.as_str().to_ascii_lowercase()), needs))
        .collect();
    let mut paths: BTreeMap<String, Map<String, Value>> = BTreeMap::new();
    for Operation { method, path, mut said } in described {
        if let Some(needs) = needs.get(&(path.clone(), method.to_owned())) {
            said.insert("security".to_owned(), security(*needs));
        }
        paths.entry(path).or_default().insert(method.to_owned(), said.into());
    }
    let tags = operations::TAGS.map(|(name, what)| json!({ "name": name, "description": what }));
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Wheelhouse",
            "version": env!("CARGO_PKG_VERSION"),
            "description": DESCRIPTION,
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "servers": [{ "url": "/", "description": "this hub" }],
        "tags": tags,
        "paths": paths,
        "components": {
            "schemas": schemas.0,
            "responses": { "Problem": {
                "description": "What went wrong, in a word for programs and a sentence for people.",
                "content": { "application/problem+json": { "schema": problem } },
            } },
            "securitySchemes": { "key": {
                "type": "http",
                "scheme": "bearer",
                "bearerFormat": "wh_{live|dev}_…",
                "description": format!(
                    "A key of the hub, made by `wheelhouse key create`. Scopes: {}. `write` does not hold `read`.",
                    Scope::all().map(|scope| scope.to_string()).collect::<Vec<_>>().join(", ")
                ),
            } },
        },
    })
}

/// A fault with what HTTP adds.
fn problem(schemas: &mut Schemas) -> Value {
    let fault = schemas.of::<Fault>();
    let kinds = Code::ALL.map(|code| format!("urn:wheelhouse:fault:{code}"));
    let problem = json!({
        "allOf": [fault, {
            "type": "object",
            "required": ["type", "title", "status"],
            "properties": {
                "type": { "type": "string", "enum": kinds },
                "title": { "type": "string" },
                "status": { "type": "integer" },
            },
        }],
    });
    schemas.0.insert("Problem".to_owned(), problem);
    json!({ "$ref": "#/components/schemas/Problem" })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_route_is_described_and_nothing_else() {
        let document = openapi();
        let mut described = BTreeSet::new();
        for (path, operations) in document["paths"].as_object().unwrap() {
            for (method, operation) in operations.as_object().unwrap() {
                described.insert((path.clone(), method.clone()));
                assert!(operation["summary"].as_str().is_some_and(|text| text.len() >= 5), "{method} {path}");
                assert!(operation["security"].is_array(), "{method} {path}");
                let answers = operation["responses"].as_object().unwrap();
                assert!(answers.keys().any(|status| status.starts_with(['1', '2'])), "{method} {path}");
                let named = operation["parameters"].as_array().unwrap();
                let named: Vec<_> = named
                    .iter()
                    .map(|one| (&one["in"], &one["name"]))
                    .map(|(place, name)| (place.to_string(), name.to_string()))
                    .collect();
                assert_eq!(named.iter().collect::<BTreeSet<_>>().len(), named.len(), "{method} {path}");
            }
        }
        let there: BTreeSet<_> = routes()
            .into_iter()
            .map(|route| (route.path, route.method.as_str().to_ascii_lowercase()))
            .collect();
        assert_eq!(described, there);
    }

    #[test]
    fn every_reference_leads_somewhere_and_every_name_is_one() {
        let document = openapi();
        let mut names = BTreeSet::new();
        fn walk<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
            match value {
                Value::Object(fields) => {
                    found.extend(fields.get("$ref").and_then(Value::as_str));
                    fields.values().for_each(|value| walk(value, found));
                }
                Value::Array(items) => items.iter().for_each(|value| walk(value, found)),
                _ => {}
            }
        }
        let mut references = Vec::new();
        walk(&document, &mut references);
        assert!(references.len() > 100, "{}", references.len());
        for reference in references {
            let at = reference.strip_prefix('#').unwrap();
            assert!(document.pointer(at).is_some(), "{reference}");
        }
        for operations in document["paths"].as_object().unwrap().values() {
            for operation in operations.as_object().unwrap().values() {
                let name = operation["operationId"].as_str().unwrap();
                assert!(names.insert(name.to_owned()), "{name} is the name of two");
            }
        }
    }

    #[test]
    fn the_page_loads_nothing_from_elsewhere() {
        for outside in
            ["http:", "https:", "//", "@import", "url(", "src=", " href=\"/", "<link", "<img", "<iframe"]
        {
            assert!(!PAGE.contains(outside), "{outside}");
        }
        let marks = PAGE.matches("{nonce}").count();
        assert_eq!(marks, PAGE.matches("<script").count() + PAGE.matches("<style").count());
        for unsafe_way in ["innerHTML", "outerHTML", "document.write", "eval(", " onclick=", " style="] {
            assert!(!PAGE.contains(unsafe_way), "{unsafe_way}");
        }
    }

    #[tokio::test]
    async fn the_page_says_what_may_run_on_it() {
        let mut seen = BTreeSet::new();
        for _ in 0..2 {
            let answer = page(Params::default()).await.unwrap();
            let policy = answer.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap().to_owned();
            assert!(policy.starts_with("default-src 'none'; script-src 'nonce-"), "{policy}");
            assert!(!policy.contains("unsafe"), "{policy}");
            let nonce = policy.split('\'').nth(3).unwrap().strip_prefix("nonce-").unwrap().to_owned();
            let body = axum::body::to_bytes(answer.into_body(), 1 << 20).await.unwrap();
            let body = String::from_utf8(body.to_vec()).unwrap();
            assert!(body.contains(&format!("<script nonce=\"{nonce}\"")) && !body.contains("{nonce}"));
            seen.insert(nonce);
        }
        assert_eq!(seen.len(), 2, "each answer has its own");
    }
}
