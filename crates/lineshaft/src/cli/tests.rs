//! What a person sees of the command line: a change of words shows up here.

use clap::CommandFactory;

use super::Cli;

#[test]
fn the_arguments_are_consistent() {
    Cli::command().debug_assert();
}

#[test]
fn the_help_of_every_command() {
    fn gather(command: &mut clap::Command, path: &str, out: &mut String) {
        let path = format!("{path} {}", command.get_name());
        out.push_str(&format!("=== {}\n{}\n", path.trim(), command.render_help()));
        let names: Vec<String> = command
            .get_subcommands()
            .map(|sub| sub.get_name().to_owned())
            .filter(|name| name != "help")
            .collect();
        for name in names {
            if let Some(sub) = command.find_subcommand_mut(&name) {
                gather(sub, &path, out);
            }
        }
    }
    let mut command = Cli::command().term_width(80);
    command.build();
    let mut out = String::new();
    gather(&mut command, "", &mut out);
    insta::assert_snapshot!(out);
}

#[test]
fn every_command_stands_in_the_reference() {
    let page = include_str!("../../../../docs/reference/command-line.md");
    for command in Cli::command().get_subcommands() {
        let row = format!("| `{}", command.get_name());
        let stands =
            page.lines().any(|line| line.strip_prefix(&row).is_some_and(|rest| rest.starts_with([' ', '`'])));
        assert!(stands, "docs/reference/command-line.md has no row of `{}`", command.get_name());
    }
}
