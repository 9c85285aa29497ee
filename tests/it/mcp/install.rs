//! The entry in a client's settings, through the program.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};

use crate::harness::{Program, text};

fn home(program: &Program) -> PathBuf {
    program.dir.path().join("home")
}

fn read(path: &PathBuf) -> Value {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// What stands beside a file from before a change.
fn backups(file: &Path) -> Vec<String> {
    let named = format!("{}.before-wheelhouse-", file.file_name().unwrap().to_str().unwrap());
    let beside = fs::read_dir(file.parent().unwrap()).unwrap().map(|entry| entry.unwrap());
    beside
        .filter(|entry| entry.file_name().to_str().unwrap().starts_with(&named))
        .map(|entry| fs::read_to_string(entry.path()).unwrap())
        .collect()
}

#[test]
fn what_would_change_is_shown_and_nothing_is_written_unasked() {
    let program = Program::new();
    let file = home(&program).join(".claude.json");
    let before =
        "{\n  \"numStartups\": 3,\n  \"mcpServers\": {\n    \"other\": { \"command\": \"x\" }\n  }\n}\n";
    fs::write(&file, before).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    let asked = program.run(&["mcp", "install", "--client", "claude-code"]);
    assert_eq!(asked.status.code(), Some(2));
    assert!(text(&asked.stderr).contains("--yes"), "{}", text(&asked.stderr));
    let shown = text(&asked.stdout);
    assert!(shown.contains("+    \"wheelhouse\": {") && shown.contains(".claude.json"), "{shown}");
    assert_eq!(fs::read_to_string(&file).unwrap(), before);

    program.prints(&["mcp", "install", "--client", "claude-code", "--yes", "--project", "team"]);
    let own = &read(&file)["mcpServers"]["wheelhouse"];
    assert_eq!((&own["type"], &own["args"]), (&json!("stdio"), &json!(["mcp", "--project", "team"])));
    assert!(own["command"].as_str().unwrap().ends_with("/wheelhouse"), "{own}");
    assert_eq!(read(&file)["mcpServers"]["other"]["command"], "x");
    assert_eq!(backups(&file), [before]);
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let again = program.prints(&["mcp", "install", "--client", "claude-code", "--yes", "--project", "team"]);
    assert!(again.starts_with("nothing to change"), "{again}");

    program.prints(&["mcp", "uninstall", "--client", "claude-code", "--yes"]);
    assert_eq!(fs::read_to_string(&file).unwrap(), before);
}

#[test]
fn every_client_has_its_own_form() {
    let program = Program::new();
    for (client, file) in
        [("claude-desktop", ".config/Claude/claude_desktop_config.json"), ("cursor", ".cursor/mcp.json")]
    {
        let done: Value =
            serde_json::from_str(&program.prints(&["mcp", "install", "--client", client, "--yes", "--json"]))
                .unwrap();
        let file = home(&program).join(file);
        assert_eq!((&done["changed"], &done["file"]), (&json!(true), &json!(file)));
        assert_eq!(read(&file)["mcpServers"]["wheelhouse"]["args"], json!(["mcp"]));
    }
    let file = home(&program).join(".codex/config.toml");
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    let before = "# mine\nmodel = \"m\"\n\n[mcp_servers.other]\ncommand = \"x\"\n";
    fs::write(&file, before).unwrap();
    program.prints(&["mcp", "install", "--client", "codex", "--yes"]);
    let written = fs::read_to_string(&file).unwrap();
    assert!(written.starts_with(before) && written.contains("[mcp_servers.wheelhouse]"), "{written}");
    program.prints(&["mcp", "uninstall", "--client", "codex", "--yes"]);
    assert_eq!(fs::read_to_string(&file).unwrap(), before);

    let project = program.work_dir();
    let dir = project.to_str().unwrap();
    program.prints(&["mcp", "install", "--client", "claude-code", "--project-dir", dir, "--yes"]);
    assert_eq!(read(&project.join(".mcp.json"))["mcpServers"]["wheelhouse"]["args"], json!(["mcp"]));
    let none = program.run(&["mcp", "install", "--client", "claude-desktop", "--project-dir", dir, "--yes"]);
    assert_eq!(none.status.code(), Some(2));
}

#[test]
fn a_link_stays_one_and_a_broken_file_is_left_alone() {
    let program = Program::new();
    let (link, file) = (home(&program).join(".claude.json"), home(&program).join("dotfiles.json"));
    fs::write(&file, "{}\n").unwrap();
    std::os::unix::fs::symlink(&file, &link).unwrap();
    program.prints(&["mcp", "install", "--client", "claude-code", "--yes"]);
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert!(read(&file)["mcpServers"]["wheelhouse"].is_object());

    fs::write(&file, "{ \"mcpServers\": ").unwrap();
    let broken = program.run(&["mcp", "install", "--client", "claude-code", "--yes"]);
    assert_eq!(broken.status.code(), Some(2));
    assert!(text(&broken.stderr).contains("dotfiles.json: the file is no JSON"), "{}", text(&broken.stderr));
    assert_eq!(fs::read_to_string(&file).unwrap(), "{ \"mcpServers\": ");
}
