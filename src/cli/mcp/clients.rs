//! The clients whose settings are known: where each keeps them, and in which form.

use std::path::{Path, PathBuf};

use clap::ValueEnum;

use crate::model::Fault;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Client {
    ClaudeCode,
    ClaudeDesktop,
    Cursor,
    Codex,
}

/// How a file of settings is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// `{"mcpServers": {"wheelhouse": {…}}}`, comments allowed; whether the entry says that it is on standard input.
    Json { says_type: bool },
    /// `[mcp_servers.wheelhouse]`
    Toml,
}

impl Client {
    pub fn name(self) -> &'static str {
        match self {
            Client::ClaudeCode => "Claude Code",
            Client::ClaudeDesktop => "Claude Desktop",
            Client::Cursor => "Cursor",
            Client::Codex => "Codex",
        }
    }

    /// As `--client` has it.
    pub fn word(self) -> String {
        self.to_possible_value().expect("no client is hidden").get_name().to_owned()
    }

    pub fn form(self) -> Form {
        match self {
            Client::ClaudeCode => Form::Json { says_type: true },
            Client::ClaudeDesktop | Client::Cursor => Form::Json { says_type: false },
            Client::Codex => Form::Toml,
        }
    }

    /// What to do so that it sees the change.
    pub fn then(self) -> &'static str {
        match self {
            Client::ClaudeCode | Client::Codex => "its next session has it; `/mcp` there shows it",
            Client::ClaudeDesktop => "restart it",
            Client::Cursor => "its settings show it under MCP",
        }
    }

    /// Its file: the one of this user, or of everybody who works in a project. `variable` reads the environment.
    pub fn file(
        self,
        project_dir: Option<&Path>,
        variable: impl Fn(&str) -> Option<PathBuf>,
    ) -> Result<PathBuf, Fault> {
        if let Some(dir) = project_dir {
            return match self {
                Client::ClaudeCode => Ok(dir.join(".mcp.json")),
                Client::Cursor => Ok(dir.join(".cursor/mcp.json")),
                Client::Codex => Ok(dir.join(".codex/config.toml")),
                Client::ClaudeDesktop => Err(Fault::invalid("Claude Desktop has no settings of a project")
                    .hint("leave --project-dir out")),
            };
        }
        let set = |name: &str| variable(name).filter(|path| path.is_absolute());
        let home = || {
            set("HOME")
                .ok_or_else(|| Fault::invalid("HOME is not set, so the client's settings are not found"))
        };
        Ok(match self {
            Client::ClaudeCode => match set("CLAUDE_CONFIG_DIR") {
                Some(dir) => dir.join(".claude.json"),
                None => home()?.join(".claude.json"),
            },
            Client::ClaudeDesktop => claude_desktop(set("XDG_CONFIG_HOME"), home()?),
            Client::Cursor => home()?.join(".cursor/mcp.json"),
            Client::Codex => match set("CODEX_HOME") {
                Some(dir) => dir.join("config.toml"),
                None => home()?.join(".codex/config.toml"),
            },
        })
    }
}

fn claude_desktop(config: Option<PathBuf>, home: PathBuf) -> PathBuf {
    let dir = if cfg!(target_os = "macos") {
        home.join("Library/Application Support")
    } else {
        config.unwrap_or_else(|| home.join(".config"))
    };
    dir.join("Claude/claude_desktop_config.json")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(client: Client, dir: Option<&str>, set: &[(&str, &str)]) -> Result<PathBuf, Fault> {
        let variable = |name: &str| set.iter().find(|(known, _)| *known == name).map(|(_, path)| path.into());
        client.file(dir.map(Path::new), variable)
    }

    #[test]
    fn each_client_has_its_file() {
        let home = [("HOME", "/h")];
        let of_user = |client| file(client, None, &home).unwrap();
        assert_eq!(of_user(Client::ClaudeCode), Path::new("/h/.claude.json"));
        assert_eq!(of_user(Client::Cursor), Path::new("/h/.cursor/mcp.json"));
        assert_eq!(of_user(Client::Codex), Path::new("/h/.codex/config.toml"));
        let of_project = |client| file(client, Some("/p"), &[]);
        assert_eq!(of_project(Client::ClaudeCode), Ok("/p/.mcp.json".into()));
        assert_eq!(of_project(Client::Cursor), Ok("/p/.cursor/mcp.json".into()));
        assert_eq!(of_project(Client::Codex), Ok("/p/.codex/config.toml".into()));
        assert!(of_project(Client::ClaudeDesktop).is_err());
    }

    #[test]
    fn a_variable_moves_it() {
        let set = [("HOME", "/h"), ("CODEX_HOME", "/c"), ("CLAUDE_CONFIG_DIR", "relative")];
        assert_eq!(file(Client::Codex, None, &set), Ok("/c/config.toml".into()));
        assert_eq!(file(Client::ClaudeCode, None, &set), Ok("/h/.claude.json".into()));
        assert!(file(Client::Cursor, None, &[]).is_err());
    }
}
