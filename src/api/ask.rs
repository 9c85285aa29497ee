//! Parameters as the requests of the door.

use super::params::{LIMIT, Params};
use crate::{
    door::{
        DecisionOrder, DecisionsRequest, EventQuery, JobRef, ListOrder, ListRequest, Order, RunsRequest,
        SearchMode, SearchRequest, Step, StreamRequest, SuggestRequest, WhichRuns,
    },
    model::{
        Actor, Date, DecisionFilter, DecisionStatus, EventFilter, Fault, MemoryFilter, Pattern, Project,
        Projects, Severity, Status, Time, TimeWords,
    },
};

const PROJECT: &[&str] = &["project", "project_id", "project_name", "group_id", "namespace", "dataset_name"];
const KIND: &[&str] = &["type", "memory_type", "kind", "category", "obs_type"];
const ACTOR: &[&str] = &["actor", "user_id", "agent_id"];
const QUERY: &[&str] = &["q", "query", "search", "text"];
const MODE: &[&str] = &["mode", "search_type"];

/// Where `after` and `before` are moments, as other servers' searches have them.
const SINCE: &[&str] = &["since", "after", "dateStart", "start_date", "timeframe"];
const UNTIL: &[&str] = &["until", "before", "dateEnd", "end_date"];
/// Where they are places.
const LIST_SINCE: &[&str] = &["since", "dateStart", "start_date", "timeframe"];
const LIST_UNTIL: &[&str] = &["until", "dateEnd", "end_date"];

pub fn list(mut params: Params, words: TimeWords) -> Result<ListRequest, Fault> {
    let request = ListRequest {
        filter: memories(&mut params, words, LIST_SINCE, LIST_UNTIL)?,
        order: params.with(&["order"], order_of_list)?.unwrap_or_default(),
        after: params.one(&["cursor", "after"])?,
        limit: params.parse(LIMIT)?.unwrap_or(0),
        forgotten: params.flag(&["forgotten"])?,
    };
    params.end()?;
    Ok(request)
}

pub fn decisions(mut params: Params, words: TimeWords) -> Result<DecisionsRequest, Fault> {
    let request = DecisionsRequest {
        filter: decided(&mut params, words)?,
        order: params.with(&["order"], order_of_decisions)?.unwrap_or_default(),
        after: params.one(&["cursor", "after"])?,
        limit: params.parse(LIMIT)?.unwrap_or(0),
    };
    params.end()?;
    Ok(request)
}

/// Those whose review has come, soonest first.
pub fn review_due(mut params: Params, words: TimeWords) -> Result<DecisionsRequest, Fault> {
    let mut request = DecisionsRequest {
        filter: decided(&mut params, words)?,
        order: DecisionOrder::Review,
        after: params.one(&["cursor", "after"])?,
        limit: params.parse(LIMIT)?.unwrap_or(0),
    };
    params.end()?;
    request.filter.review_before.get_or_insert(Date::there(words.now, words.zone).next());
    Ok(request)
}

pub fn calibration(mut params: Params, words: TimeWords) -> Result<DecisionFilter, Fault> {
    let filter = decided(&mut params, words)?;
    params.end()?;
    Ok(filter)
}

/// `filter` comes from a body that has one; the parameters narrow it.
pub fn search(
    mut params: Params,
    filter: Option<MemoryFilter>,
    words: TimeWords,
) -> Result<SearchRequest, Fault> {
    let named = memories(&mut params, words, SINCE, UNTIL)?;
    let filter = match filter {
        Some(filter) if named == MemoryFilter::default() => filter,
        Some(_) => {
            return Err(Fault::invalid("a filter is given twice")
                .hint("either as `filter` or as fields beside the query, not both"));
        }
        None => named,
    };
    let request = SearchRequest {
        query: params.one(QUERY)?.unwrap_or_default(),
        limit: params.parse(LIMIT)?.unwrap_or(0),
        mode: params.with(MODE, mode)?.unwrap_or_default(),
        without: params.each(&["without"], step)?,
        filter,
        explain: params.flag(&["explain"])?,
        as_you_type: params.flag(&["as_you_type"])?,
        cursor: params.one(&["cursor"])?,
        zone: params.one(&["zone"])?,
    };
    params.end()?;
    Ok(request)
}

pub fn suggest(mut params: Params, words: TimeWords) -> Result<SuggestRequest, Fault> {
    let request = SuggestRequest {
        query: params.one(QUERY)?.unwrap_or_default(),
        at: params.parse(&["at"])?,
        filter: memories(&mut params, words, SINCE, UNTIL)?,
        limit: params.parse(LIMIT)?.unwrap_or(0),
    };
    params.end()?;
    Ok(request)
}

pub fn events(params: &mut Params, words: TimeWords) -> Result<EventQuery, Fault> {
    Ok(EventQuery {
        filter: event_filter(params, words)?,
        after: params.parse(&["after_cursor", "after"])?,
        before: params.parse(&["before_cursor", "before"])?,
        recorded_since: params.with(&["recorded_since"], |text| time(text, words))?,
        recorded_until: params.with(&["recorded_until"], |text| time(text, words))?,
        order: params.with(&["order"], order_of_events)?.unwrap_or_default(),
        limit: params.parse(LIMIT)?.unwrap_or(0),
        buckets: 0,
    })
}

pub fn stream(mut params: Params, words: TimeWords) -> Result<StreamRequest, Fault> {
    let request = StreamRequest {
        filter: event_filter(&mut params, words)?,
        after: params.parse(&["after_cursor", "after"])?,
    };
    params.end()?;
    Ok(request)
}

/// How many, and after which moment.
pub fn next_slots(mut params: Params, words: TimeWords) -> Result<(usize, Option<Time>), Fault> {
    let count = params.parse(&["count", "limit", "n"])?.unwrap_or(0);
    let after =
        params.with(&["after", "since"], |text| words.ahead(text).map_err(|error| error.to_string()))?;
    params.end()?;
    Ok((count, after))
}

/// `which` is given where the path says it.
pub fn runs(mut params: Params, which: Option<WhichRuns>) -> Result<RunsRequest, Fault> {
    let job = params.one(&["job"])?.map(|name| name.parse::<JobRef>()).transpose()?;
    let which = match which {
        Some(which) => which,
        None => params.with(&["which"], which_runs)?.unwrap_or_default(),
    };
    let request = RunsRequest {
        job,
        which,
        limit: params.parse(LIMIT)?.unwrap_or(0),
        after: params.one(&["after", "cursor"])?,
    };
    params.end()?;
    Ok(request)
}

/// After which line, and how many.
pub fn run_log(mut params: Params) -> Result<(u64, usize), Fault> {
    let after = params.parse(&["after", "cursor"])?.unwrap_or(0);
    let limit = params.parse(LIMIT)?.unwrap_or(0);
    params.end()?;
    Ok((after, limit))
}

pub fn trends(mut params: Params, words: TimeWords) -> Result<Option<Time>, Fault> {
    let after = params.with(&["after", "since"], |text| time(text, words))?;
    params.end()?;
    Ok(after)
}

fn memories(
    params: &mut Params,
    words: TimeWords,
    since: &[&'static str],
    until: &[&'static str],
) -> Result<MemoryFilter, Fault> {
    let time = |text: &str| time(text, words);
    let tags = tags(params);
    Ok(MemoryFilter {
        projects: projects(params)?,
        kinds: params.all(KIND),
        tags,
        statuses: params.each(&["status"], |word| {
            Status::parse(word).ok_or_else(|| words_of(Status::ALL.map(Status::word)))
        })?,
        actor: params.one(ACTOR)?,
        since: params.with(since, time)?,
        until: params.with(until, time)?,
        origin: params.one(&["origin"])?,
    })
}

fn decided(params: &mut Params, words: TimeWords) -> Result<DecisionFilter, Fault> {
    let time = |text: &str| time(text, words);
    Ok(DecisionFilter {
        projects: projects(params)?,
        statuses: params.each(&["status"], |word| {
            DecisionStatus::parse(word).ok_or_else(|| words_of(DecisionStatus::ALL.map(DecisionStatus::word)))
        })?,
        any_status: params.flag(&["any_status", "all_statuses"])?,
        tags: tags(params),
        kind: params.one(&["type", "decision_type", "kind"])?,
        category: params.one(&["category"])?,
        review_before: params
            .with(&["review_before"], |text| text.parse::<Date>().map_err(|fault| fault.message))?,
        has_outcome: params.parse(&["has_outcome"])?,
        text: params.one(&["text", "q", "query", "search"])?,
        since: params.with(LIST_SINCE, time)?,
        until: params.with(LIST_UNTIL, time)?,
    })
}

/// One each, or with commas between them.
fn tags(params: &mut Params) -> Vec<String> {
    let mut tags = params.all(&["tag"]);
    for list in params.all(&["tags"]) {
        tags.extend(list.split(',').map(str::trim).filter(|tag| !tag.is_empty()).map(str::to_owned));
    }
    tags
}

fn event_filter(params: &mut Params, words: TimeWords) -> Result<EventFilter, Fault> {
    let time = |text: &str| time(text, words);
    Ok(EventFilter {
        patterns: params
            .each(&["subject"], |text| text.parse::<Pattern>().map_err(|error| error.to_string()))?,
        projects: projects(params)?,
        since: params.with(LIST_SINCE, time)?,
        until: params.with(LIST_UNTIL, time)?,
        correlation: params.parse(&["correlation", "correlation_id"])?,
        causation: params.parse(&["causation", "causation_id"])?,
        actor: params.one(ACTOR)?.map(Actor),
        severity: params.with(&["severity"], |word| {
            Severity::ALL
                .into_iter()
                .find(|severity| severity.word() == word)
                .ok_or_else(|| words_of(Severity::ALL.map(Severity::word)))
        })?,
        text: params.one(&["text"])?,
    })
}

fn projects(params: &mut Params) -> Result<Projects, Fault> {
    let none = params.flag(&["no_project"])?;
    let named = params.all(PROJECT);
    Ok(match (none, named.as_slice()) {
        (true, _) => Projects::Only(Vec::new()),
        (false, []) => Projects::All,
        (false, named) => Projects::Only(named.iter().map(|name| Project::slug(name)).collect()),
    })
}

fn time(text: &str, words: TimeWords) -> Result<Time, String> {
    words.parse(text).map_err(|error| error.to_string())
}

fn mode(word: &str) -> Result<SearchMode, String> {
    match word {
        "auto" => Ok(SearchMode::Auto),
        "lexical" | "text" | "keyword" | "exact" => Ok(SearchMode::Lexical),
        "vector" | "semantic" => Ok(SearchMode::Vector),
        "hybrid" => Ok(SearchMode::Hybrid),
        _ => Err(words_of(SearchMode::ALL.map(SearchMode::word))),
    }
}

fn step(word: &str) -> Result<Step, String> {
    Step::ALL.into_iter().find(|step| step.word() == word).ok_or_else(|| words_of(Step::ALL.map(Step::word)))
}

fn order_of_list(word: &str) -> Result<ListOrder, String> {
    match word {
        "recent" => Ok(ListOrder::Recent),
        "oldest" => Ok(ListOrder::Oldest),
        "due" => Ok(ListOrder::Due),
        _ => Err(words_of(["recent", "oldest", "due"])),
    }
}

fn order_of_decisions(word: &str) -> Result<DecisionOrder, String> {
    DecisionOrder::parse(word).ok_or_else(|| words_of(DecisionOrder::ALL.map(DecisionOrder::word)))
}

fn which_runs(word: &str) -> Result<WhichRuns, String> {
    WhichRuns::ALL
        .into_iter()
        .find(|which| which.word() == word)
        .ok_or_else(|| words_of(WhichRuns::ALL.map(WhichRuns::word)))
}

fn order_of_events(word: &str) -> Result<Order, String> {
    match word {
        "desc" => Ok(Order::Desc),
        "asc" => Ok(Order::Asc),
        _ => Err(words_of(["desc", "asc"])),
    }
}

fn words_of<const N: usize>(words: [&str; N]) -> String {
    format!("it is one of {}", words.join(", "))
}
