//! `search`: a query, and what it found.

use std::collections::HashMap;

use super::{
    Stop,
    args::{Mode, Search},
    setup::Setup,
    text,
    verb::Ask,
};
use crate::{
    console::export::{Format, ROWS_MAX, What},
    door::{Hit, ListOrder, SEARCH_LIMIT_MAX, SearchAnswer, SearchMode, SearchRequest},
    model::{Fault, MemoryFilter, Origin, Projects, TimeWords, Zone},
    report,
    search::{BY_WORDS_ALONE, STILL_CHECKED, WITHOUT_QUOTES},
};

/// Below a title, its snippet begins here.
const INDENT: usize = 10;

pub async fn search(ask: &mut Ask, typed: Search) -> Result<(), Stop> {
    let mut request = request(&typed, &ask.setup, ask.words())?;
    // The hub may be elsewhere, or of another zone.
    request.zone = ask.clock.zones().picked.and_then(Zone::name).map(str::to_owned);
    if let Some(hits) = &mut ask.hits {
        hits.clear();
    }
    if let Some(format) = typed.format {
        return export(ask, request, format, typed.limit).await;
    }
    let answer = ask.settled_door().await?.search(&ask.caller, request).await?;
    if let Some(why) = degraded(&answer) {
        ask.out.warn(
            &format!("the answer may be incomplete: {why}"),
            Some("`wheelhouse status` shows what the index is doing"),
        );
    }
    if ask.out.manner.json {
        return ask.out.document(&answer);
    }
    if answer.degraded_reasons.iter().any(|reason| reason == WITHOUT_QUOTES) {
        ask.out.remark(WITHOUT_QUOTES);
    }
    if answer.results.is_empty() {
        nothing(ask, &typed);
        return Ok(());
    }
    let mut titles: HashMap<&str, usize> = HashMap::new();
    answer.results.iter().for_each(|hit| *titles.entry(&hit.title).or_default() += 1);
    for hit in &answer.results {
        print(ask, hit, typed.all_projects, titles[hit.title.as_str()] > 1)?;
    }
    if !ask.out.manner.quiet {
        let foot = ask.out.paint().dim(&foot(&answer));
        ask.out.line(&foot)?;
    }
    ask.out.flush()
}

/// The rows alone, in a form for elsewhere.
async fn export(ask: &mut Ask, request: SearchRequest, format: Format, limit: usize) -> Result<(), Stop> {
    let what = if request.query.trim().is_empty() {
        What::List(request.filter, ListOrder::Recent)
    } else {
        What::Search(Box::new(request))
    };
    super::events::print_export(ask, what, format, limit).await
}

/// What was typed, as the door is asked.
fn request(typed: &Search, setup: &Setup, words: TimeWords) -> Result<SearchRequest, Fault> {
    let most = if typed.format.is_some() { ROWS_MAX } else { SEARCH_LIMIT_MAX };
    if !(1..=most).contains(&typed.limit) {
        return Err(Fault::invalid(format!("--limit goes from 1 to {most}, not {}", typed.limit)));
    }
    let query = typed.query.join(" ");
    if query.trim().is_empty() && typed.format.is_none() {
        return Err(Fault::invalid("there is nothing to search for")
            .hint("name a word, or a field such as tag:x, type:x or since:3d"));
    }
    let (since, until) = (typed.since.as_deref(), typed.until.as_deref());
    Ok(SearchRequest {
        query,
        limit: typed.limit,
        mode: match typed.mode {
            Mode::Auto => SearchMode::Auto,
            Mode::Lexical => SearchMode::Lexical,
            Mode::Vector => SearchMode::Vector,
            Mode::Hybrid => SearchMode::Hybrid,
        },
        filter: MemoryFilter {
            projects: setup.projects(typed.all_projects),
            kinds: typed.kinds.clone(),
            tags: typed.tags.clone(),
            since: super::verb::time(since, "--since", words)?,
            until: super::verb::time(until, "--until", words)?,
            ..MemoryFilter::default()
        },
        explain: typed.explain,
        as_you_type: typed.as_you_type,
        ..SearchRequest::default()
    })
}

/// Why an answer is not all that there is, where it is not. An index that is only being checked holds all; a verb that
/// opened it for one question would say so each time.
fn degraded(answer: &SearchAnswer) -> Option<String> {
    let reasons: Vec<&str> = answer
        .degraded_reasons
        .iter()
        .map(String::as_str)
        .filter(|reason| ![STILL_CHECKED, WITHOUT_QUOTES].contains(reason))
        .filter(|reason| !reason.ends_with(BY_WORDS_ALONE))
        .collect();
    match (reasons.as_slice(), &answer.degraded_mode) {
        ([], None) => None,
        ([], Some(mode)) => Some(report::escape_line(mode)),
        (reasons, _) => Some(report::escape_line(&reasons.join("; "))),
    }
}

fn nothing(ask: &Ask, typed: &Search) {
    let place = match ask.setup.projects(typed.all_projects) {
        Projects::All => String::new(),
        Projects::Only(_) if ask.setup.project.is_none() => {
            " among what belongs to no project; --all-projects looks everywhere".to_owned()
        }
        Projects::Only(_) => {
            format!(" in project {}; --all-projects looks everywhere", ask.setup.project)
        }
    };
    ask.out.remark(&format!("nothing found{place}"));
}

fn print(ask: &mut Ask, hit: &Hit, with_project: bool, with_place: bool) -> Result<(), Stop> {
    let paint = ask.out.paint();
    let width = ask.out.manner.width;
    let mut about = vec![report::escape_line(&hit.memory_type)];
    if with_project && !hit.project.is_none() {
        about.insert(0, hit.project.to_string());
    }
    if !hit.status.is_current() {
        about.push(hit.status.word().to_owned());
    }
    if let Some(url) = hit.url.as_deref().filter(|_| with_place) {
        about.insert(0, report::escape_line(Origin::place(url)));
    }
    if !hit.alike.is_empty() {
        about.push(format!("{} alike", hit.alike.len()));
    }
    about.push(ask.moment(hit.updated_at));
    let about = about.join(" · ");
    let room = width.map(|width| width.saturating_sub(INDENT + about.chars().count() + 2));
    let title = text::fit(&report::escape_line(&hit.title), room);
    let line = format!("{}  {}  {}", ask.name_of_hit(hit.id), paint.bold(&title), paint.dim(&about));
    ask.out.line(&line)?;
    let room = width.map(|width| width.saturating_sub(INDENT));
    let snippet = text::snippet(&hit.snippet, &hit.highlights, room, paint);
    if !snippet.is_empty() && snippet != title {
        ask.out.line(&format!("{:INDENT$}{snippet}", ""))?;
    }
    if let Some(explanation) = &hit.explain {
        for sentence in &explanation.words {
            let sentence = paint.dim(&report::escape_line(sentence));
            ask.out.line(&format!("{:INDENT$}{sentence}", ""))?;
        }
        let rows: Vec<Vec<String>> = explanation
            .terms
            .iter()
            .map(|worth| {
                vec![
                    report::escape_line(&worth.term),
                    worth.field.clone(),
                    format!("{:.2}", worth.worth),
                    format!("in {}", text::counted(worth.documents, "memory", "memories")),
                ]
            })
            .collect();
        for row in text::table(&rows, |_, cell| paint.dim(cell)) {
            ask.out.line(&format!("{:INDENT$}{row}", ""))?;
        }
    }
    Ok(())
}

fn foot(answer: &SearchAnswer) -> String {
    let total = match (answer.total_at_least, answer.total, answer.results.len()) {
        (true, total, shown) => format!("{shown} of at least {total}"),
        (false, total, shown) if total > shown => format!("{shown} of {total}"),
        (false, _, shown) => text::counted(shown as u64, "result", "results"),
    };
    let mut foot = format!("{total}, {:.1} ms, {}", answer.took_ms, answer.legs_used.join(" + "));
    for reason in answer.degraded_reasons.iter().filter(|reason| reason.ends_with(BY_WORDS_ALONE)) {
        foot.push_str("; ");
        foot.push_str(&report::escape_line(reason));
    }
    foot
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::{
        cli::args::{Typed, Verb},
        config::Config,
        model::{Project, Time},
    };

    fn asked(line: &str) -> Result<SearchRequest, Fault> {
        let typed = Typed::try_parse_from(line.split(' ')).unwrap();
        let Some(Verb::Search(search)) = typed.verb else { panic!("{line}") };
        let setup = Setup {
            config: Config::default(),
            data_dir: "/d".into(),
            hub_name: "h".into(),
            project: Project::slug("team"),
            project_flag: false,
            jobs_dir: "/j".into(),
            unsafe_filesystem: false,
            config_file: None,
            hub: None,
            fleet: Vec::new(),
        };
        let now = Time::from_unix_ms(1_795_219_200_000);
        request(&search, &setup, TimeWords { now, zone: Zone::UTC })
    }

    #[test]
    fn what_is_typed_becomes_a_request() {
        let request = asked("wheelhouse search green canary -n 3 --mode lexical --since 1d --tag a --type t");
        let filter = MemoryFilter {
            projects: Projects::Only(vec![Project::slug("team"), Project::none()]),
            kinds: vec!["t".into()],
            tags: vec!["a".into()],
            since: Some(Time::from_unix_ms(1_795_132_800_000)),
            ..MemoryFilter::default()
        };
        let expected = SearchRequest {
            query: "green canary".into(),
            limit: 3,
            mode: SearchMode::Lexical,
            filter,
            ..SearchRequest::default()
        };
        assert_eq!(request, Ok(expected));
        let everywhere = asked("wheelhouse search x --all-projects").unwrap();
        assert_eq!(everywhere.filter, MemoryFilter::default());
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let refused = |line| asked(line).unwrap_err().message;
        assert_eq!(refused("wheelhouse search x --limit 0"), "--limit goes from 1 to 200, not 0");
        assert_eq!(
            refused("wheelhouse search x --format csv -n 10001"),
            "--limit goes from 1 to 10000, not 10001"
        );
        assert!(asked("wheelhouse search x --format csv -n 10000").is_ok());
        assert_eq!(refused("wheelhouse search x --since soon"), "--since cannot be \"soon\"");
        assert_eq!(refused("wheelhouse search  "), "there is nothing to search for");
    }
}
