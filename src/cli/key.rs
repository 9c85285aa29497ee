//! `key`: who may come in from outside.

use super::{
    Stop,
    args::KeyVerb,
    text,
    verb::{Ask, time},
};
use crate::{
    door::{KeyView, MadeKey, NewKey},
    model::{Fault, Project, Projects, Scope, Time, job::Span},
};

pub async fn run(ask: &mut Ask, what: KeyVerb) -> Result<(), Stop> {
    match what {
        KeyVerb::Create { name, scopes, projects, expires, dev } => {
            let scopes = scopes.iter().map(|scope| scope.parse::<Scope>()).collect::<Result<_, Fault>>()?;
            let projects = match projects.is_empty() {
                true => Projects::All,
                false => Projects::Only(projects.iter().map(|name| Project::slug(name)).collect()),
            };
            let expires_in = expires.as_deref().map(|typed| until(ask, typed)).transpose()?;
            let new = NewKey { name, scopes, projects, expires_in, dev };
            let made = ask.settled_door().await?.create_key(&ask.caller, new).await?;
            said_once(ask, &made)
        }
        KeyVerb::Ls => list(ask).await,
        KeyVerb::Rotate { key, overlap } => {
            let overlap = span("--overlap", &overlap)?;
            let made = ask.settled_door().await?.rotate_key(&ask.caller, &key, overlap).await?;
            said_once(ask, &made)
        }
        KeyVerb::Revoke { key } => {
            let revoked = ask.settled_door().await?.revoke_key(&ask.caller, &key).await?;
            if ask.out.manner.json {
                return ask.out.document(&serde_json::json!({ "keys": revoked }));
            }
            for key in &revoked {
                ask.out.line(&format!("revoked {}: {}", key.short, key.name))?;
            }
            ask.out.flush()
        }
    }
}

/// A length of time, or the day it ends on.
fn until(ask: &Ask, typed: &str) -> Result<Span, Fault> {
    if let Ok(span) = typed.parse::<Span>() {
        return Ok(span);
    }
    let words = ask.words();
    match time(Some(typed), "--expires", words)? {
        Some(end) if end > words.now => Ok(Span::from_ms(end.since(words.now).as_millis() as u64)),
        _ => {
            Err(Fault::invalid(format!("--expires {typed:?} is over already"))
                .hint("as in 90d, or 2027-03-01"))
        }
    }
}

fn span(flag: &str, typed: &str) -> Result<Span, Fault> {
    typed.parse().map_err(|error| Fault::invalid(format!("{flag} cannot be {typed:?}")).cause(error))
}

fn said_once(ask: &mut Ask, made: &MadeKey) -> Result<(), Stop> {
    if ask.out.manner.json {
        ask.out.document(made)?;
    } else {
        ask.out.line(&made.secret)?;
        ask.out.flush()?;
        ask.out.remark("this is the only time that it is shown");
    }
    ask.warn_unless_applied(made.applied);
    Ok(())
}

async fn list(ask: &mut Ask) -> Result<(), Stop> {
    let keys = ask.settled_door().await?.keys(&ask.caller).await?;
    if ask.out.manner.json {
        return ask.out.document(&serde_json::json!({ "keys": keys }));
    }
    if keys.is_empty() {
        ask.out.remark("no keys; `wheelhouse key create NAME --scopes memories:read` makes one");
        return Ok(());
    }
    let rows: Vec<Vec<String>> = keys.iter().map(|key| row(ask, key)).collect();
    let paint = ask.out.paint();
    for line in text::table(&rows, |column, cell| match column {
        0 => paint.cyan(cell),
        3.. => paint.dim(cell),
        _ => cell.to_owned(),
    }) {
        ask.out.line(&line)?;
    }
    ask.out.flush()
}

fn row(ask: &Ask, key: &KeyView) -> Vec<String> {
    let day = |time: Option<Time>| time.map(|time| time.utc().format("%Y-%m-%d").to_string());
    let end = match key.revoked_at {
        Some(at) => format!("revoked {}", ask.moment(at)),
        None => match key.expires_at {
            Some(end) => format!("{}, until {}", key.state.word(), end.utc().format("%Y-%m-%d %H:%M UTC")),
            None => key.state.word().to_owned(),
        },
    };
    let scopes: Vec<String> = key.scopes.iter().map(Scope::to_string).collect();
    let projects = match &key.projects {
        Projects::All => "all projects".to_owned(),
        Projects::Only(list) => list.iter().map(Project::as_str).collect::<Vec<_>>().join(","),
    };
    let used = day(key.last_used).map_or_else(|| "never used".to_owned(), |day| format!("used {day}"));
    vec![key.short.clone(), key.name.clone(), end, scopes.join(","), projects, used]
}
