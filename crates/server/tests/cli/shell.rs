//! The role `shell`, and the programs of the original that run books call.

use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::process::Stdio;

use crate::command::{Ended, Ichnaea};

fn nothing_configured() -> (tempfile::TempDir, Ichnaea) {
    let folder = tempfile::tempdir().unwrap();
    let ichnaea = Ichnaea::without_backends(folder.path());
    (folder, ichnaea)
}

/// Runs a shell with this input.
fn with_input(ichnaea: &Ichnaea, arguments: &[&str], input: &str) -> Ended {
    let mut command = ichnaea.command(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    Ended::of(&child.wait_with_output().unwrap())
}

#[test]
fn a_shell_opens_without_any_configuration() {
    let (_folder, ichnaea) = nothing_configured();
    let ichnaea = ichnaea.env("PATH", "/usr/bin:/bin");
    let ended = with_input(&ichnaea, &["shell"], "echo hello\nexit 7\n");
    assert_eq!((ended.status, ended.lines), (7, vec!["Opening shell".into(), "hello".into()]));
    assert_eq!(with_input(&ichnaea, &["shell"], "").status, 0);
}

#[test]
fn without_a_shell_program_commands_can_still_be_given() {
    let (folder, ichnaea) = nothing_configured();
    let ichnaea = ichnaea.env("PATH", &folder.path().display().to_string());
    let input = "task list\n\nichnaea --version\nnonsense\n'\nexit\nnever\n";
    let ended = with_input(&ichnaea, &["shell"], input);
    assert_eq!(ended.status, 0);
    assert_eq!(ended.lines[0], "Opening shell");
    assert!(ended.lines.iter().any(|line| line.starts_with("update_incoming ")));
    assert!(ended.lines.iter().any(|line| line.starts_with("ichnaea ")));
    assert!(
        ended.complaints.iter().any(|line| line.contains("nonsense")),
        "{:?}",
        ended.complaints
    );
    assert!(!ended.complaints.iter().any(|line| line.contains("never")), "{:?}", ended.complaints);
    assert_eq!(with_input(&ichnaea, &["shell"], "").status, 0);
}

#[test]
fn a_program_is_run_with_its_arguments_and_its_status_is_kept() {
    let (folder, ichnaea) = nothing_configured();
    let ichnaea = ichnaea.env("PATH", "/usr/bin:/bin");
    let text = folder.path().join("text");
    std::fs::write(&text, "no program").unwrap();
    let ended = ichnaea.run(&["shell", "sh", "-c", "echo \"$0\"; exit 5", "--port"]);
    assert_eq!((ended.status, ended.lines), (5, vec!["--port".to_owned()]));
    assert_eq!(ichnaea.run(&["shell", "/nonexistent/program"]).status, 127);
    assert_eq!(ichnaea.run(&["shell", &text.display().to_string()]).status, 126);
}

#[test]
fn programs_of_the_original_are_understood_behind_shell_and_as_links() {
    let (folder, ichnaea) = nothing_configured();
    let registered = "celery -A ichnaea.taskapp.app:celery_app inspect registered";
    let words: Vec<&str> = std::iter::once("shell").chain(registered.split(' ')).collect();
    let ended = ichnaea.run(&words);
    assert_eq!(ended.status, 0);
    assert!(ended.lines.iter().any(|line| line.starts_with("update_cellarea")));

    let ended =
        ichnaea.run(&["shell", "/app/ichnaea/scripts/apikey.py", "create", "--maxreq", "x"]);
    assert_eq!(ended.status, 2);
    let ended = ichnaea.run(&["shell", "/app/ichnaea/scripts/datamap.py", "--create"]);
    assert_eq!(ended.status, 1);
    let ended = ichnaea.run(&["shell", "/app/ichnaea/scripts/region_json.py"]);
    assert_eq!(ended.status, 1);
    assert_eq!(ichnaea.run(&["shell", "task", "list"]).status, 0);

    // A link of that name.
    let link = folder.path().join("celery");
    let mut command = ichnaea.command(&["inspect", "registered"]);
    command.arg0(&link);
    let ended = Ended::of(&command.output().unwrap());
    assert_eq!(ended.status, 0);
    assert!(ended.lines.iter().any(|line| line.starts_with("update_cellarea")));

    // A program of somebody else by that name is that program.
    let own = folder.path().join("db.py");
    std::fs::write(&own, "#!/bin/sh\necho mine\n").unwrap();
    std::fs::set_permissions(&own, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let ended = ichnaea.run(&["shell", &own.display().to_string()]);
    assert_eq!((ended.status, ended.lines), (0, vec!["mine".to_owned()]));
}
