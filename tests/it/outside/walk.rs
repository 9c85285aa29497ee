//! Every route with every kind of key that must not open it; `docs/routes.md` is what this walks.

use std::net::{Ipv4Addr, SocketAddr};

use serde_json::Value;
use wheelhouse::{
    api::{Needs, Route, routes},
    model::Scope,
};

use super::{
    Answer, ask,
    keys::{bearer, daemon, key},
};
use crate::{
    docs,
    harness::{Program, until},
};

/// Stands in everything that the wall hides.
const HIDDEN: &str = "behind-the-wall";
const NOBODY: &str = "01a1fd8c-6900-7000-8000-00000000ffff";

struct Walk {
    at: SocketAddr,
    /// Each request from an address of its own, so that none is told that its tries were too many.
    from: u32,
    memory: String,
    decision: String,
    run: String,
}

impl Walk {
    /// About the records there are, or about `id` and about no key.
    async fn ask(&mut self, route: &Route, secret: Option<&str>, id: Option<&str>) -> Answer {
        self.from += 1;
        let from = Ipv4Addr::from(u32::from(Ipv4Addr::new(127, 1, 0, 0)) + self.from);
        let about = match &route.path {
            path if path.contains("/decisions/") => &self.decision,
            path if path.contains("/runs/") => &self.run,
            _ => &self.memory,
        };
        let path = route
            .path
            .replace("{id}", id.unwrap_or(about))
            .replace("{key}", if id.is_some() { "nobody" } else { "everything" })
            .replace("{job}", if id.is_some() { "nobody" } else { HIDDEN })
            .replace("{component}", "log");
        let asks = if path.ends_with("/search") && route.method == "GET" || path.ends_with("/suggest") {
            format!("{path}?q={HIDDEN}")
        } else {
            path
        };
        let host = format!("host: {}", self.at);
        let key = secret.map(bearer);
        let headers: Vec<&str> = std::iter::once(host.as_str()).chain(key.as_deref()).collect();
        ask(self.at, from, &format!("{} {asks}", route.method), &headers, body(route)).await
    }
}

/// What a client would send there.
pub fn body(route: &Route) -> &'static str {
    let path = route.path.trim_start_matches("/api/v1");
    match (route.method.as_str(), path) {
        ("POST", "/memories") => r#"{"content":"x","project":"home"}"#,
        ("POST", "/memories/bulk") => r#"{"items":[{"content":"x","project":"home","url":"file:///x"}]}"#,
        ("POST", "/memories/{id}/supersede") => r#"{"content":"x"}"#,
        ("PATCH", "/memories/{id}") => r#"{"title":"changed"}"#,
        ("POST", "/decisions") => r#"{"title":"x","project":"home"}"#,
        ("POST", "/decisions/{id}/supersede") => r#"{"title":"x"}"#,
        ("PATCH", "/decisions/{id}") => r#"{"title":"changed"}"#,
        ("POST", "/decisions/{id}/outcome") => r#"{"status":"failed"}"#,
        ("POST", "/jobs") => {
            r#"{"slug":"x","project":"home","schedule":{"every":"1h"},"kind":{"builtin":"index_check"}}"#
        }
        ("POST", "/jobs/{job}/backfill") => {
            r#"{"after":"2026-01-01T00:00:00Z","until":"2026-01-02T00:00:00Z"}"#
        }
        ("POST", "/events") => r#"{"type":"seen","project":"home"}"#,
        ("POST", "/search") => r#"{"q":"behind-the-wall"}"#,
        ("POST", "/keys") => r#"{"name":"x","scopes":["memories:read"]}"#,
        _ => "",
    }
}

fn scopes(but: Option<Scope>) -> String {
    let all = Scope::all().filter(|scope| Some(*scope) != but).map(|scope| scope.to_string());
    all.collect::<Vec<_>>().join(",")
}

#[tokio::test]
async fn no_route_answers_a_wrong_key() {
    let program = Program::new();
    let (_daemon, at) = daemon(&program);
    let added = program.prints(&["--project", "home", "add", HIDDEN, "--json"]);
    let memory: Value = serde_json::from_str(&added).unwrap();
    let decide = ["--project", "home", "decide", "--title", HIDDEN, "--option", "a", "--json"];
    let decision: Value = serde_json::from_str(&program.prints(&decide)).unwrap();
    let job = program.dir.path().join("job.toml");
    let file = format!(
        "slug = \"{HIDDEN}\"\nproject = \"home\"\nschedule = {{ every = \"1h\" }}\nkind = {{ builtin = \"index_check\" }}\n"
    );
    std::fs::write(&job, file).unwrap();
    program.prints(&["jobs", "define", job.to_str().unwrap()]);
    let run: Value = serde_json::from_str(&program.prints(&["jobs", "run", HIDDEN, "--json"])).unwrap();
    let id = |record: &Value| record["id"].as_str().unwrap().to_owned();
    let mut walk = Walk { at, from: 0, memory: id(&memory), decision: id(&decision), run: id(&run) };

    let right = key(&program, "everything", &scopes(None), &[]);
    let revoked = key(&program, "revoked", &scopes(None), &[]);
    program.prints(&["key", "revoke", "revoked"]);
    let elsewhere = key(&program, "elsewhere", &scopes(None), &["--projects", "elsewhere"]);
    let elsewhere_hub = {
        let other = Program::new();
        key(&other, "everything", &scopes(None), &[])
    };
    let lacking: Vec<(Scope, String)> = Scope::all()
        .map(|scope| {
            (
                scope,
                key(
                    &program,
                    &format!("no-{}", scope.to_string().replace(':', "-")),
                    &scopes(Some(scope)),
                    &[],
                ),
            )
        })
        .collect();
    let expired = key(&program, "expired", &scopes(None), &["--expires", "1ms"]);
    let all = routes();
    let status = all.iter().find(|route| route.path == "/api/v1/status").unwrap();
    until("that a key expires", || async {
        let listed = program.prints(&["key", "ls", "--json"]);
        listed.contains("\"expired\"").then_some(())
    })
    .await;
    assert_eq!(walk.ask(status, Some(&expired), None).await.json()["message"], "this key has expired");

    for route in &all {
        let wrong = [
            ("none", None),
            ("no key at all", Some("guess")),
            ("of another hub", Some(elsewhere_hub.as_str())),
            ("expired", Some(&expired)),
            ("revoked", Some(&revoked)),
        ];
        for (kind, secret) in wrong {
            let answer = walk.ask(route, secret, None).await;
            let expected = match route.needs {
                Needs::Nothing => 200,
                Needs::Open if secret.is_none() => 200,
                _ => 401,
            };
            assert_eq!(answer.status, expected, "{kind}: {route:?}: {}", answer.body);
            if route.needs == Needs::Open && secret.is_none() {
                assert_eq!(answer.json().as_object().unwrap().len(), 1, "{route:?}: {}", answer.body);
            }
        }
        let Needs::All(needed) = route.needs else { continue };
        for (scope, secret) in &lacking {
            if needed.contains(scope) {
                let answer = walk.ask(route, Some(secret), None).await;
                assert_eq!(answer.status, 403, "without {scope}: {route:?}: {}", answer.body);
            }
        }
    }
    for route in &all {
        let answer = walk.ask(route, Some(&elsewhere), None).await;
        assert!(!answer.body.contains(&format!("\"{HIDDEN}")), "{route:?} shows it: {}", answer.body);
        let names = ["{id}", "{key}", "{job}"].iter().any(|part| route.path.contains(part));
        let makes = ["memories", "decisions", "keys", "jobs", "events"];
        let makes = route.method == "POST"
            && route.path.strip_prefix("/api/v1/").is_some_and(|made| makes.contains(&made));
        if names {
            assert_eq!(answer.status, 404, "{route:?}: {}", answer.body);
        } else if makes {
            assert_eq!(answer.status, 403, "{route:?}: {}", answer.body);
        }
    }
    // Nothing of all that did anything.
    let untouched = program.prints(&["get", &walk.memory]);
    assert!(untouched.contains(HIDDEN) && !untouched.contains("changed"), "{untouched}");
    for route in &all {
        let answer = walk.ask(route, Some(&right), Some(NOBODY)).await;
        assert!(!matches!(answer.status, 401 | 403 | 429 | 500..), "{route:?}: {}", answer.body);
    }

    let rows = all
        .iter()
        .map(|route| vec![route.method.to_string(), format!("`{}`", route.path), route.needs.words()]);
    let text = format!(
        "# Routes\n\nEvery route, and what a key has to have for it; written by the test that asks each of them without a key, \
         with a wrong, an\nexpired and a revoked one, without the scope, and from behind another project's wall. The hub's own \
         socket asks for no key.\n`write` does not hold `read`. A search finds memories and decisions, so it takes both.\n\n{}",
        docs::table(&["method", "path", "scopes"], rows)
    );
    docs::check("routes.md", &text);
}
