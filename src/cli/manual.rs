//! What is made from the table of verbs and flags: completions and the manual page.

use std::io;

use clap::{Command, CommandFactory};
use clap_complete::Shell;

use super::{Stop, args::Typed, out::Out};

pub fn completions(shell: Shell, out: &mut Out) -> Result<(), Stop> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Typed::command(), "wheelhouse", &mut script);
    print(&script, out)
}

/// One page of the program and all its verbs, for `man -l -`.
pub fn man(out: &mut Out) -> Result<(), Stop> {
    let mut page = Vec::new();
    let mut command = Typed::command();
    command.build();
    clap_mangen::Man::new(command.clone()).render(&mut page)?;
    verbs(&command, "WHEELHOUSE", &mut page)?;
    print(&page, out)
}

/// A section for each verb under `command`, and for the verbs under it.
fn verbs(command: &Command, named: &str, page: &mut Vec<u8>) -> io::Result<()> {
    for verb in command.get_subcommands().filter(|verb| !verb.is_hide_set() && verb.get_name() != "help") {
        let named = format!("{named} {}", verb.get_name().to_uppercase());
        let man = clap_mangen::Man::new(verb.clone());
        page.extend_from_slice(format!(".SH \"{named}\"\n").as_bytes());
        man.render_synopsis_section(page)?;
        man.render_description_section(page)?;
        man.render_options_section(page)?;
        verbs(verb, &named, page)?;
    }
    Ok(())
}

fn print(bytes: &[u8], out: &mut Out) -> Result<(), Stop> {
    out.line(String::from_utf8_lossy(bytes).trim_end())?;
    out.flush()
}
