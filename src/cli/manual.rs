//! What is made from the table of verbs and flags: completions and the manual page.

use clap::CommandFactory;
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
    for verb in command.get_subcommands().filter(|verb| !verb.is_hide_set()) {
        let man = clap_mangen::Man::new(verb.clone());
        page.extend_from_slice(format!(".SH \"WHEELHOUSE {}\"\n", verb.get_name().to_uppercase()).as_bytes());
        man.render_synopsis_section(&mut page)?;
        man.render_description_section(&mut page)?;
        man.render_options_section(&mut page)?;
    }
    print(&page, out)
}

fn print(bytes: &[u8], out: &mut Out) -> Result<(), Stop> {
    out.line(String::from_utf8_lossy(bytes).trim_end())?;
    out.flush()
}
