//! Search over HTTP.

use axum::{
    Json,
    body::Body,
    extract::State,
    response::{IntoResponse, Response},
};
use serde_json::{Map, Value};

use super::{
    Api, ask,
    body::{self, SMALL_BODY_BYTES_MAX},
    params::Params,
    problem::Answer,
};
use crate::{
    door::Caller,
    model::{Fault, MemoryFilter},
};

type From = axum::Extension<Caller>;

pub async fn by_params(State(api): State<Api>, caller: From, params: Params) -> Answer {
    let request = ask::search(params, None, api.words())?;
    Ok(Json(api.door.search(&caller, request).await?).into_response())
}

/// The fields of a request, a filter among them, or the names that the address would have.
pub async fn by_body(State(api): State<Api>, caller: From, params: Params, body: Body) -> Answer {
    params.end()?;
    let (params, filter) = flat(body::read(body, SMALL_BODY_BYTES_MAX).await?)?;
    let request = ask::search(params, filter, api.words())?;
    let answer: Response = Json(api.door.search(&caller, request).await?).into_response();
    Ok(answer)
}

pub async fn suggest(State(api): State<Api>, caller: From, params: Params) -> Answer {
    let request = ask::suggest(params, api.words())?;
    Ok(Json(api.door.suggest(&caller, request).await?).into_response())
}

/// An object as parameters, so that both ways of asking know the same names.
fn flat(mut body: Map<String, Value>) -> Result<(Params, Option<MemoryFilter>), Fault> {
    let filter = match body.remove("filter") {
        None | Some(Value::Null) => None,
        Some(filter) => Some(serde_json::from_value(filter).map_err(|error| body::wrong(&error))?),
    };
    let mut list = Vec::new();
    for (name, value) in body {
        match value {
            Value::Null => {}
            Value::Array(values) => {
                let name = if name == "tags" { "tag" } else { &name };
                for value in values {
                    list.push((name.to_owned(), scalar(name, value)?));
                }
            }
            value => {
                let text = scalar(&name, value)?;
                list.push((name, text));
            }
        }
    }
    Ok((Params::new(list), filter))
}

fn scalar(name: &str, value: Value) -> Result<String, Fault> {
    match value {
        Value::String(text) => Ok(text),
        Value::Bool(_) | Value::Number(_) => Ok(value.to_string()),
        _ => Err(Fault::invalid(format!("`{name}` is no text, number, true or false"))),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        door::{SearchMode, SearchRequest},
        model::{Project, Projects, Status, Time, TimeWords},
    };

    fn words() -> TimeWords {
        TimeWords { now: "2026-11-21T00:00:00Z".parse::<Time>().unwrap(), zone: crate::model::Zone::UTC }
    }

    fn read(body: Value) -> Result<SearchRequest, Fault> {
        let (params, filter) = flat(serde_json::from_value(body).unwrap())?;
        ask::search(params, filter, words())
    }

    #[test]
    fn the_doors_own_request_passes_unchanged() {
        let request = SearchRequest {
            query: "tag:x \"exact words\"".into(),
            limit: 7,
            mode: SearchMode::Lexical,
            filter: MemoryFilter {
                projects: Projects::Only(vec![Project::slug("a")]),
                tags: vec!["with, comma".into()],
                statuses: vec![Status::Archived],
                since: Some(Time::from_unix_ms(5)),
                ..MemoryFilter::default()
            },
            without: vec![crate::door::Step::Prior],
            explain: true,
            as_you_type: true,
            cursor: Some("c".into()),
            zone: Some("Asia/Tokyo".into()),
        };
        assert_eq!(read(serde_json::to_value(&request).unwrap()), Ok(request));
        assert_eq!(
            read(serde_json::to_value(SearchRequest::default()).unwrap()),
            Ok(SearchRequest::default())
        );
    }

    #[test]
    fn the_names_of_other_servers_are_accepted() {
        let request = read(json!({
            "search": "q", "top_k": 3, "search_type": "keyword", "group_id": "My Team", "tags": ["a", "b"],
            "timeframe": "7d", "before": "2026-11-20", "memory_type": "howto", "explain": true,
        }));
        let filter = MemoryFilter {
            projects: Projects::Only(vec![Project::slug("my-team")]),
            kinds: vec!["howto".into()],
            tags: vec!["a".into(), "b".into()],
            since: Some("2026-11-14T00:00:00Z".parse().unwrap()),
            until: Some("2026-11-20T00:00:00Z".parse().unwrap()),
            ..MemoryFilter::default()
        };
        let expected = SearchRequest {
            query: "q".into(),
            limit: 3,
            mode: SearchMode::Lexical,
            filter,
            explain: true,
            ..SearchRequest::default()
        };
        assert_eq!(request, Ok(expected));
    }

    #[test]
    fn what_is_unknown_is_refused() {
        let refused = |body| read(body).unwrap_err().message;
        assert_eq!(refused(json!({ "q": "x", "colour": "red" })), "`colour` is no parameter here");
        assert_eq!(refused(json!({ "q": "x", "filter": { "colour": 1 } })), "unknown field `colour`");
        assert_eq!(refused(json!({ "q": {} })), "`q` is no text, number, true or false");
        assert_eq!(refused(json!({ "q": "x", "filter": {}, "tag": "t" })), "a filter is given twice");
    }
}
