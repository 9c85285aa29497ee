//! What is typed about decisions.

use std::path::PathBuf;

use clap::{
    Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches, Subcommand, ValueEnum, error::ErrorKind,
};

use crate::model::DecisionOption;

#[derive(Debug, Clone, PartialEq, Args)]
pub struct Decide {
    /// A decision to be changed, not a new one: settled ones change only in status and review date
    #[arg(value_name = "D-0042", conflicts_with_all = ["number", "supersedes"])]
    pub which: Option<String>,
    /// What was decided, in a line
    #[arg(long, value_name = "TEXT", required_unless_present_any = ["from", "which"])]
    pub title: Option<String>,
    /// What asked for a decision, in Markdown
    #[arg(long, value_name = "TEXT")]
    pub context: Option<String>,
    #[command(flatten)]
    pub options: Options,
    /// The option that was chosen: the decision is accepted, where no --status says otherwise
    #[arg(long, value_name = "TITLE")]
    pub choose: Option<String>,
    /// Why, in Markdown
    #[arg(long, value_name = "TEXT")]
    pub rationale: Option<String>,
    /// How likely it is to turn out well
    #[arg(long, value_name = "0..1")]
    pub confidence: Option<f64>,
    /// With commas between them
    #[arg(long, value_name = "A,B")]
    pub tags: Option<String>,
    /// The day to look at it again, as 2027-01-31
    #[arg(long, value_name = "DATE")]
    pub review_on: Option<String>,
    /// architecture, process or any other word
    #[arg(long = "type", value_name = "TYPE")]
    pub kind: Option<String>,
    /// draft, proposed, accepted, rejected, implemented, validated or deprecated
    #[arg(long)]
    pub status: Option<String>,
    /// The number to have, where it is free
    #[arg(long, value_name = "D-0042")]
    pub number: Option<String>,
    /// The decision whose place it takes
    #[arg(long, value_name = "D-0042")]
    pub supersedes: Option<String>,
    /// A JSON document with these and all other fields; `-` is standard input. Flags stand above it
    #[arg(long, value_name = "FILE|-")]
    pub from: Option<PathBuf>,
}

/// The options, each with what speaks for and against it: `--option A --pro x --con y --option B`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Options(pub Vec<DecisionOption>);

const OPTION: &str = "option";
const PRO: &str = "pro";
const CON: &str = "con";

impl Args for Options {
    fn augment_args(command: Command) -> Command {
        let arg = |name: &'static str, value: &'static str, help: &'static str| {
            Arg::new(name).long(name).value_name(value).help(help).action(ArgAction::Append)
        };
        command
            .arg(arg(OPTION, "TITLE", "One of the ways that were open; once for each"))
            .arg(arg(PRO, "TEXT", "What speaks for the option before it"))
            .arg(arg(CON, "TEXT", "What speaks against the option before it"))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Options::augment_args(command)
    }
}

impl FromArgMatches for Options {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Options, clap::Error> {
        let mut said: Vec<(usize, &str, &String)> = Vec::new();
        for name in [OPTION, PRO, CON] {
            let places = matches.indices_of(name).into_iter().flatten();
            let texts = matches.get_many::<String>(name).into_iter().flatten();
            said.extend(places.zip(texts).map(|(place, text)| (place, name, text)));
        }
        said.sort_unstable_by_key(|(place, ..)| *place);
        let mut options: Vec<DecisionOption> = Vec::new();
        for (_, name, text) in said {
            match (name, options.last_mut()) {
                (OPTION, _) => options.push(DecisionOption::titled(text)),
                (PRO, Some(option)) => option.pros.push(text.clone()),
                (_, Some(option)) => option.cons.push(text.clone()),
                (name, None) => {
                    let wrong = format!("--{name} belongs to the --option before it, and there is none\n");
                    return Err(clap::Error::raw(ErrorKind::MissingRequiredArgument, wrong));
                }
            }
        }
        Ok(Options(options))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Options::from_arg_matches(matches)?;
        Ok(())
    }
}

#[derive(Debug, Clone, PartialEq, Args)]
pub struct Decisions {
    /// A number or an id shows that one; words are looked for
    #[arg(value_name = "D-0042|TEXT")]
    pub what: Vec<String>,
    /// Every revision of that one, newest first
    #[arg(long)]
    pub history: bool,
    /// In this status; more than one is any of them
    #[arg(long, value_name = "STATUS", value_delimiter = ',')]
    pub status: Vec<String>,
    /// Also what is rejected, deprecated or superseded
    #[arg(long, conflicts_with = "status")]
    pub all_statuses: bool,
    /// With this tag; more than one is all of them
    #[arg(long = "tag", value_name = "TAG")]
    pub tags: Vec<String>,
    /// Of this type
    #[arg(long = "type", value_name = "TYPE")]
    pub kind: Option<String>,
    /// What comes first
    #[arg(long, value_enum)]
    pub order: Option<ByWhat>,
    /// Only those whose review has come
    #[arg(long)]
    pub review_due: bool,
    #[command(flatten)]
    pub page: DecisionsPage,
}

#[derive(Debug, Clone, PartialEq, Args)]
pub struct DecisionsPage {
    /// Decisions at most
    #[arg(long, short = 'n', value_name = "N", default_value_t = 50)]
    pub limit: usize,
    /// Everywhere, not only in this project and in none
    #[arg(long, conflicts_with = "project")]
    pub all_projects: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ByWhat {
    /// Last changed first
    Recent,
    /// First made first
    Oldest,
    /// Highest number first
    Number,
    /// Next review first; only what has one
    Review,
}

#[derive(Debug, Clone, PartialEq, Args)]
pub struct Outcome {
    #[arg(value_name = "D-0042")]
    pub decision: String,
    /// pending, in_progress, successful, partial, failed or revised
    #[arg(long)]
    pub status: String,
    /// From 1 to 5, the best
    #[arg(long, value_name = "1..5")]
    pub rating: Option<u8>,
    /// What was learned; `-` reads it from standard input
    #[arg(long, value_name = "TEXT|-", allow_hyphen_values = true)]
    pub note: Option<String>,
}

#[derive(Debug, Clone, Subcommand)]
pub enum Adr {
    /// Take the records in files and folders, with their links to each other
    Import {
        #[arg(required = true, value_name = "PATH")]
        paths: Vec<PathBuf>,
    },
    /// Write each decision as a file; one that came from a file and says the same, byte for byte
    Export {
        #[arg(value_name = "DIR")]
        dir: PathBuf,
        /// Write over files that differ
        #[arg(long)]
        force: bool,
        /// Every project's, not only this one's and those of none
        #[arg(long, conflicts_with = "project")]
        all_projects: bool,
    },
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::args::{Typed, Verb};

    fn options(line: &str) -> Result<Vec<DecisionOption>, clap::Error> {
        let line = line.split(' ');
        let typed = Typed::try_parse_from(["wheelhouse", "decide", "--title", "t"].into_iter().chain(line))?;
        let Some(Verb::Decide(decide)) = typed.verb else { panic!("decide") };
        Ok(decide.options.0)
    }

    #[test]
    fn what_speaks_for_an_option_follows_it() {
        let found = options("--option a --con slow --pro small --option b --choose a --pro fast").unwrap();
        let expected = [
            DecisionOption {
                pros: vec!["small".into()],
                cons: vec!["slow".into()],
                ..DecisionOption::titled("a")
            },
            DecisionOption { pros: vec!["fast".into()], ..DecisionOption::titled("b") },
        ];
        assert_eq!(found, expected);
        let wrong = options("--pro fast --option a").unwrap_err();
        assert!(wrong.to_string().contains("--pro belongs to the --option before it"), "{wrong}");
        assert_eq!(options("--choose a").unwrap(), []);
    }
}
