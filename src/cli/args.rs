//! What was typed, as clap reads it. Parsing, help, completions and the manual page all come from here.

mod decisions;
mod jobs;

use std::path::PathBuf;

use clap::{
    Args, Parser, Subcommand, ValueEnum,
    builder::{PossibleValuesParser, TypedValueParser},
};
use clap_complete::Shell;

pub use self::{
    decisions::{Adr, ByWhat, Decide, Decisions, DecisionsPage, Outcome},
    jobs::{Jobs, RunsPage, Wait},
};

use super::mcp::Client;
use crate::{
    console::export::Format,
    door::Step,
    model::{Severity, job::Span},
};

/// A team's knowledge hub and the terminal operations console on it
///
/// Without a verb the console opens. Every verb works the same whether a hub is running or not.
#[derive(Debug, Parser)]
#[command(name = "wheelhouse", version, disable_help_subcommand = true, arg_required_else_help = false)]
#[command(after_help = EXIT_STATUSES)]
pub struct Typed {
    #[command(flatten)]
    pub global: Global,
    #[command(flatten)]
    pub alone: Alone,
    #[command(subcommand)]
    pub verb: Option<Verb>,
}

const EXIT_STATUSES: &str = "Exit status: 0 done, 2 the request is wrong, 3 not found, 4 not there now, \
5 not allowed, 6 it changed meanwhile, 7 too much at once or not in time, 8 the disk is full, \
1 damage, not supported, a run that failed, or a mistake in this program, 130 interrupted";

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Everywhere")]
pub struct Global {
    /// Where the hub keeps everything [env: WHEELHOUSE_DATA_DIR]
    #[arg(long, global = true, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// Settings to read instead of the user's
    #[arg(long, global = true, value_name = "FILE", env = "WHEELHOUSE_CONFIG", hide_env_values = true)]
    pub config: Option<PathBuf>,
    /// Ask another hub, by its name in the settings or its address, as http://127.0.0.1:7420; its key is in the settings'
    /// key_file or in WHEELHOUSE_KEY
    #[arg(long, global = true, value_name = "NAME|URL", conflicts_with = "data_dir")]
    pub hub: Option<String>,
    /// Project to write to and to search; else the git root's folder name [env: WHEELHOUSE_PROJECT]
    #[arg(long, global = true, value_name = "NAME")]
    pub project: Option<String>,
    /// Print JSON: one document, or a line each for events and exports
    #[arg(long, global = true)]
    pub json: bool,
    /// Print only what was asked for
    #[arg(long, short, global = true)]
    pub quiet: bool,
    /// When to colour
    #[arg(long, global = true, value_name = "WHEN")]
    pub color: Option<ColorWhen>,
    /// Take a data directory whose file system cannot promise that writes are kept
    #[arg(long, global = true)]
    pub unsafe_filesystem: bool,
}

/// What is said of the hub itself, and goes with no verb.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Without a verb")]
pub struct Alone {
    /// The console without a screen: events as sentences, every verb at a prompt; for screen readers and pipes
    #[arg(long)]
    pub plain: bool,
    /// The hub without a console, until SIGTERM or Ctrl-C; SIGHUP reads the settings again
    #[arg(long, conflicts_with = "plain")]
    pub headless: bool,
    /// End when nobody was connected for this long, as 15m
    #[arg(long, value_name = "SPAN", requires = "headless")]
    pub idle_exit: Option<Span>,
    /// Listen here too, as the setting `listen` says; port 0 takes a free one
    #[arg(long, value_name = "ADDR:PORT")]
    pub listen: Vec<String>,
    /// Listen without TLS at addresses that are not this machine's alone
    #[arg(long)]
    pub insecure_http: bool,
    /// Ask nobody for a key; only where every listener is loopback
    #[arg(long)]
    pub no_auth: bool,
}

impl Alone {
    /// Whether it says something of the hub, rather than of its face.
    pub fn is_of_hub(&self) -> bool {
        !self.listen.is_empty() || self.insecure_http || self.no_auth
    }

    /// The first flag that was given.
    pub fn given(&self) -> Option<&'static str> {
        let flags = [
            ("--plain", self.plain),
            ("--headless", self.headless),
            ("--idle-exit", self.idle_exit.is_some()),
            ("--listen", !self.listen.is_empty()),
            ("--insecure-http", self.insecure_http),
            ("--no-auth", self.no_auth),
        ];
        flags.into_iter().find_map(|(flag, given)| given.then_some(flag))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ColorWhen {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
pub enum Verb {
    /// The console on hubs elsewhere, one or several at once
    Attach {
        /// Names of the settings, or addresses; none is every hub of the settings
        #[arg(value_name = "NAME|URL")]
        hubs: Vec<String>,
    },
    /// Save a memory
    Add {
        /// What is worth remembering; `-` reads it from standard input
        #[arg(value_name = "TEXT|-", allow_hyphen_values = true)]
        text: String,
        #[command(flatten)]
        fields: Fields,
    },
    /// Find memories
    Search(Search),
    /// Show memories in full
    Get {
        #[arg(required = true, value_name = "ID")]
        ids: Vec<String>,
    },
    /// Change a memory; without anything to change, in $VISUAL or $EDITOR
    Edit {
        #[arg(value_name = "ID")]
        id: String,
        /// New content; `-` reads it from standard input
        #[arg(value_name = "TEXT|-", allow_hyphen_values = true)]
        text: Option<String>,
        #[command(flatten)]
        fields: Fields,
        /// Move it to this project
        #[arg(long, value_name = "NAME")]
        move_to: Option<String>,
    },
    /// Hide memories; `restore` brings them back
    Rm {
        #[arg(required = true, value_name = "ID")]
        ids: Vec<String>,
        /// Erase it from every file at once; nothing brings it back
        #[arg(long)]
        now: bool,
    },
    /// Bring back what `rm` hid
    Restore {
        #[arg(required = true, value_name = "ID")]
        ids: Vec<String>,
    },
    /// Show every revision of a memory, newest first
    History {
        #[arg(value_name = "ID")]
        id: String,
    },
    /// Save a memory that takes another's place
    Supersede {
        #[arg(value_name = "ID")]
        id: String,
        /// What holds now; `-` reads it from standard input
        #[arg(value_name = "TEXT|-", allow_hyphen_values = true)]
        text: String,
        #[command(flatten)]
        fields: Fields,
    },
    /// Import Markdown, text and JSONL files, or folders of them
    Import {
        #[arg(required = true, value_name = "PATH")]
        paths: Vec<PathBuf>,
    },
    /// Record a decision: what was chosen, from what, and why
    Decide(Box<Decide>),
    /// List decisions, or show one: `decisions D-0042`
    Decisions(Decisions),
    /// Say how a decision turned out
    Outcome(Outcome),
    /// List the decisions whose review has come
    Review {
        #[command(flatten)]
        page: DecisionsPage,
    },
    /// Hold stated confidence against what came of it
    Calibration {
        /// With this tag; more than one is all of them
        #[arg(long = "tag", value_name = "TAG")]
        tags: Vec<String>,
        /// Of this type
        #[arg(long = "type", value_name = "TYPE")]
        kind: Option<String>,
        /// Everywhere, not only in this project and in none
        #[arg(long, conflicts_with = "project")]
        all_projects: bool,
    },
    /// Import and export decisions as files of architectural decision records
    Adr {
        #[command(subcommand)]
        what: Adr,
    },
    /// Watch and read what happened
    Events {
        #[command(subcommand)]
        what: Events,
    },
    /// List, run, watch and hold back jobs
    Jobs {
        #[command(subcommand)]
        what: Option<Jobs>,
    },
    /// Show how each part of the hub does, and why
    Health {
        /// One part of it alone
        #[arg(value_name = "COMPONENT")]
        component: Option<String>,
    },
    /// Show what the hub is
    Status,
    /// Build a view anew from the log
    Reindex {
        #[arg(value_enum, default_value_t = Which::All, value_name = "VIEW")]
        view: Which,
    },
    /// Check every frame of the log, and every view against it
    Fsck {
        /// Copy what proves whole into this new directory; the store itself stays as it is
        #[arg(long, value_name = "DIR")]
        repair: Option<PathBuf>,
    },
    /// Measure how good and how fast search is
    Bench {
        #[command(subcommand)]
        what: Bench,
    },
    /// Print every record and event as lines of JSON
    Export,
    /// Show and check the settings
    Config {
        #[command(subcommand)]
        what: Config,
    },
    /// Check, list and explain the console's keys
    Keymap {
        #[command(subcommand)]
        what: Keymap,
    },
    /// Make, list and end keys for who comes over the network
    Key {
        #[command(subcommand)]
        what: KeyVerb,
    },
    /// Serve an agent on standard input and output, by the Model Context Protocol
    Mcp {
        #[command(subcommand)]
        what: Option<Mcp>,
    },
    /// Print completions for a shell
    Completions { shell: Shell },
    /// Print the manual page
    Man,
}

/// What a memory can be given besides its content.
#[derive(Debug, Clone, Default, PartialEq, Args)]
pub struct Fields {
    /// Else made from the content
    #[arg(long)]
    pub title: Option<String>,
    /// note, howto, gotcha or any other word
    #[arg(long = "type", value_name = "TYPE")]
    pub kind: Option<String>,
    /// With commas between them
    #[arg(long, value_name = "A,B")]
    pub tags: Option<String>,
    /// From 0 to 1
    #[arg(long, value_name = "0..1")]
    pub importance: Option<f32>,
    /// active, hypothesis, verified or archived
    #[arg(long)]
    pub status: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Args)]
pub struct Search {
    /// Words, "phrases", -without, tag:x type:x project:x since:3d
    #[arg(required = true, value_name = "QUERY")]
    pub query: Vec<String>,
    /// Results at most
    #[arg(long, short = 'n', value_name = "N", default_value_t = 20)]
    pub limit: usize,
    /// Which legs answer
    #[arg(long, value_enum, default_value_t = Mode::Auto)]
    pub mode: Mode,
    /// Changed since: 2026-11-21, 3d, "last week", yesterday
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,
    /// Changed before
    #[arg(long, value_name = "TIME")]
    pub until: Option<String>,
    /// Of this type; more than one is any of them
    #[arg(long = "type", value_name = "TYPE")]
    pub kinds: Vec<String>,
    /// With this tag; more than one is all of them
    #[arg(long = "tag", value_name = "TAG")]
    pub tags: Vec<String>,
    /// Everywhere, not only in this project and in none
    #[arg(long, conflicts_with = "project")]
    pub all_projects: bool,
    /// Say why each result is where it is
    #[arg(long)]
    pub explain: bool,
    /// The last word may be a beginning, as in the console while a query is typed
    #[arg(long)]
    pub as_you_type: bool,
    /// The rows alone, as the console exports them: json, csv, md, text. With it, 'search ""' lists the newest, and -n
    /// goes to 10000
    #[arg(long, value_name = "FORMAT", value_parser = format_of_export())]
    pub format: Option<Format>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Mode {
    Auto,
    Lexical,
    Vector,
    Hybrid,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Which {
    Records,
    Lexical,
    Vectors,
    All,
}

#[derive(Debug, Subcommand)]
pub enum Bench {
    /// Import a collection into a hub of its own and ask its queries in every mode
    Search {
        /// Folder of docs.jsonl, queries.jsonl and qrels.tsv
        #[arg(long, value_name = "DIR")]
        collection: PathBuf,
        /// Steps of the ranking to leave out
        #[arg(long, value_parser = step_of_ranking(), value_delimiter = ',', value_name = "STEPS")]
        switches: Vec<Step>,
    },
}

#[derive(Debug, Subcommand)]
pub enum Events {
    /// Show the newest events, and with --follow every new one
    Tail {
        /// Stay, and print what happens
        #[arg(long, short)]
        follow: bool,
        /// Events to begin with
        #[arg(long, short = 'n', value_name = "N", default_value_t = 20)]
        lines: usize,
        #[command(flatten)]
        which: WhichEvents,
    },
    /// Print events, newest first
    Query {
        #[arg(long, short = 'n', value_name = "N", default_value_t = 100)]
        limit: usize,
        /// Oldest first
        #[arg(long)]
        oldest_first: bool,
        /// As the console exports them: json, csv, md, text; at most 10000
        #[arg(long, value_name = "FORMAT", value_parser = format_of_export())]
        format: Option<Format>,
        #[command(flatten)]
        which: WhichEvents,
    },
    /// Tell of something that happened: deploy.finished, ci.failed
    Publish {
        /// domain.action; the hub's own domains are not taken
        #[arg(value_name = "TYPE", required_unless_present = "from")]
        kind: Option<String>,
        /// What it is about, in one word
        #[arg(long)]
        name: Option<String>,
        /// Fields of its data; a value that is JSON is taken as such
        #[arg(long = "data", value_name = "FIELD=VALUE")]
        data: Vec<String>,
        #[arg(long, value_enum, default_value_t = Worst::Info)]
        severity: Worst,
        /// When it happened; else now
        #[arg(long, value_name = "TIME")]
        time: Option<String>,
        /// What it belongs to
        #[arg(long, value_name = "ID")]
        correlation: Option<String>,
        /// Events as lines of JSON; `-` is standard input
        #[arg(long, value_name = "FILE|-", conflicts_with_all = ["kind", "name", "data", "time", "correlation"])]
        from: Option<PathBuf>,
    },
    /// Count events by type
    Stats {
        #[command(flatten)]
        which: WhichEvents,
    },
}

#[derive(Debug, Clone, Default, PartialEq, Args)]
pub struct WhichEvents {
    /// Subjects, such as '*.memory.>': `*` is one token, `>` is the rest
    #[arg(value_name = "PATTERN")]
    pub patterns: Vec<String>,
    /// From: 2026-11-21, 14:02, 3d, "last week", yesterday
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,
    /// Before
    #[arg(long, value_name = "TIME")]
    pub until: Option<String>,
    /// What one request caused
    #[arg(long, value_name = "ID")]
    pub correlation: Option<String>,
    /// What one event caused
    #[arg(long, value_name = "ID")]
    pub causation: Option<String>,
    /// Of this one, such as user:ada
    #[arg(long, value_name = "ACTOR")]
    pub actor: Option<String>,
    /// At least this bad
    #[arg(long, value_enum, value_name = "SEVERITY")]
    pub severity: Option<Worst>,
    /// With this text in them
    #[arg(long, value_name = "TEXT")]
    pub text: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Worst {
    Info,
    Warn,
    Error,
}

impl From<Worst> for Severity {
    fn from(worst: Worst) -> Severity {
        match worst {
            Worst::Info => Severity::Info,
            Worst::Warn => Severity::Warn,
            Worst::Error => Severity::Error,
        }
    }
}

#[derive(Debug, Clone, Copy, Subcommand)]
pub enum Config {
    /// Print the settings in force, where each came from, and the limits
    Show,
    /// Say what is wrong with the settings file
    Check,
}

#[derive(Debug, Clone, Subcommand)]
pub enum KeyVerb {
    /// Make a key, and print its secret this once
    Create {
        /// Who holds it; what is done with it is done by key:NAME
        #[arg(value_name = "NAME")]
        name: String,
        /// What it may do, such as memories:read,memories:write; `write` does not hold `read`
        #[arg(long, required = true, value_delimiter = ',', value_name = "SCOPES")]
        scopes: Vec<String>,
        /// The projects it sees; else all
        #[arg(long, value_delimiter = ',', value_name = "NAMES")]
        projects: Vec<String>,
        /// When it ends: 90d, 12h, 2027-03-01; else when it is revoked
        #[arg(long, value_name = "TIME")]
        expires: Option<String>,
        /// Write into the secret that it is for trying things out: wh_dev_…
        #[arg(long)]
        dev: bool,
    },
    /// Show every key, newest first
    Ls,
    /// Give a key's holder another secret, and print it
    Rotate {
        #[arg(value_name = "NAME")]
        key: String,
        /// How long the one before still holds
        #[arg(long, default_value = "0s", value_name = "TIME")]
        overlap: String,
    },
    /// End a key, and what is open with it
    Revoke {
        #[arg(value_name = "NAME")]
        key: String,
    },
}

#[derive(Debug, Clone, Subcommand)]
pub enum Keymap {
    /// Say what is wrong with the user's keys
    Check {
        /// Another file than `keymap.toml` beside the settings
        #[arg(value_name = "FILE")]
        file: Option<PathBuf>,
    },
    /// Print every binding in force
    List,
    /// Say what a key or a sequence does, where, and which line of which file says so
    Explain {
        /// As a keymap file writes them: `G`, `ctrl-o`, `g g`
        #[arg(required = true, value_name = "KEY")]
        keys: Vec<String>,
    },
    /// Print the tables of docs/keys.md
    Doc,
}

#[derive(Debug, Clone, Subcommand)]
pub enum Mcp {
    /// Enter the server in a client's settings, after showing the change
    Install(McpPlace),
    /// Take it out again
    Uninstall(McpPlace),
}

/// Whose settings.
#[derive(Debug, Clone, Args)]
pub struct McpPlace {
    /// Whose settings
    #[arg(long, value_enum, value_name = "CLIENT")]
    pub client: Client,
    /// Those of a project, for everybody who works in it, instead of yours
    #[arg(long, value_name = "DIR")]
    pub project_dir: Option<PathBuf>,
    /// Write without asking
    #[arg(long, short)]
    pub yes: bool,
}

/// The steps that decide what stands where; what gathers hits after that is always off in a bench.
fn step_of_ranking() -> impl TypedValueParser<Value = Step> {
    let steps = [Step::Weights, Step::Rerank, Step::Prior];
    PossibleValuesParser::new(steps.map(Step::word)).try_map(move |word| {
        steps.into_iter().find(|step| step.word() == word).ok_or("no step of the ranking")
    })
}

fn format_of_export() -> impl TypedValueParser<Value = Format> {
    PossibleValuesParser::new(Format::ALL.map(Format::name))
        .try_map(|name| Format::named(&name).ok_or("no format of an export"))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_table_of_verbs_and_flags_is_sound() {
        Typed::command().debug_assert();
    }

    #[test]
    fn flags_go_before_and_after_the_verb() {
        for line in ["wheelhouse --json search a b", "wheelhouse search a b --json"] {
            let typed = Typed::try_parse_from(line.split(' ')).unwrap();
            assert!(typed.global.json, "{line}");
            assert!(matches!(typed.verb, Some(Verb::Search(search)) if search.query == ["a", "b"]));
        }
        assert!(Typed::try_parse_from(["wheelhouse", "search"]).is_err());
        assert!(Typed::try_parse_from(["wheelhouse", "add", "-"]).is_ok());
        assert!(Typed::try_parse_from(["wheelhouse"]).unwrap().verb.is_none());
    }
}
