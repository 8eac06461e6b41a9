//! The configuration: a TOML file that is read whole, with all that is wrong in it.

mod document;
mod problem;
mod process;
mod router;
mod signing;
mod sync;
#[cfg(test)]
mod tests;

pub(crate) use problem::{Problem, Problems};
pub(crate) use process::{CONTROL, Format, Hook, Log, Process};
pub(crate) use router::{Key, Router};
pub(crate) use sync::{Daemons, Link, Sync};

use crate::tables;
use document::{Document, Section};
use ipvs::{InterfaceName, Role, Table};
use ipvs_sync::runtime::Error;
use problem::Place;
use std::fs;
use std::path::Path;
use toml::de::DeTable;

const ROOT: &[&str] = &[
    "real-time-priority",
    "namespace",
    "control",
    "metrics",
    "log",
    "tables",
    "sync",
    "hook",
    "virtual-router",
];

/// A configuration that breaks no rule that the files alone show. What it says of
/// interfaces is not looked at.
pub(crate) struct Config {
    pub(crate) process: Process,
    pub(crate) hooks: Vec<Hook>,
    /// What the table of IPVS is to be; none to leave that alone.
    pub(crate) table: Option<Table>,
    /// None to leave the kernel's sync daemons alone.
    pub(crate) sync: Option<Sync>,
    pub(crate) routers: Vec<Router>,
}

impl Config {
    /// Reads a file. The files that it names are beside it, unless their names begin
    /// with `/`.
    pub(crate) fn read(file: &Path) -> Result<Self, Problems> {
        let whole = |rule: String| vec![Problem { place: None, what: String::new(), rule }];
        let text = fs::read_to_string(file)
            .map_err(|error| Problems::new(file, whole(error.to_string())))?;
        let folder = file.parent().unwrap_or_else(|| Path::new(""));
        Self::parse(&text, folder).map_err(|all| Problems::new(file, all))
    }

    pub(crate) fn parse(text: &str, folder: &Path) -> Result<Self, Vec<Problem>> {
        let (root, errors) = DeTable::parse_recoverable(text);
        if !errors.is_empty() {
            return Err(vec![syntax(text, &errors)]);
        }
        let document = Document::new(text);
        let config = Self::of(&document.root(root.get_ref(), ROOT), folder);
        let problems = document.into_problems();
        match config {
            Some(config) if problems.is_empty() => Ok(config),
            _ => Err(problems),
        }
    }

    fn of(root: &Section<'_>, folder: &Path) -> Option<Self> {
        let process = Process::of(root);
        let hooks = root.array("hook").into_iter().map(|node| Hook::of(root, node));
        let hooks: Vec<Option<Hook>> = hooks.collect();
        let table = tables(root, folder);
        let sync = sync(root, folder, table.as_ref());
        let has_link = sync.as_ref().is_some_and(|sync| sync.link.is_some());
        let mut routers = routers(root, folder, sync.as_ref());
        routers.iter_mut().for_each(|router| router.sync_gate = has_link);
        Some(Self {
            process: process?,
            hooks: hooks.into_iter().collect::<Option<_>>()?,
            table,
            sync,
            routers,
        })
    }
}

/// The first error, and what was left open: one thing that is missing makes all that
/// follows look wrong. It is missing where the text before ends, and noticed lines later.
fn syntax(text: &str, errors: &[toml::de::Error]) -> Problem {
    let at = |error: &toml::de::Error| error.span().map_or(text.len(), |span| span.start);
    let first = errors.iter().min_by_key(|error| at(error));
    let open = errors.iter().filter(|error| error.message().starts_with("unclosed"));
    let has_open = open.clone().next().is_some();
    let mut said: Vec<&str> = first.into_iter().chain(open).map(|error| error.message()).collect();
    said.dedup();
    let noticed = first.map_or(text.len(), at);
    let says = first.map_or("", |error| error.message());
    let before = text.get(..noticed).unwrap_or_default().trim_end();
    let is_missing = says.starts_with("unclosed")
        || has_open && (says.ends_with("expected `,`") || before.ends_with(','));
    let at = if is_missing { before.len() } else { noticed };
    Problem { place: Some(Place::of(text, at)), what: String::new(), rule: said.join("; ") }
}

fn tables(root: &Section<'_>, folder: &Path) -> Option<Table> {
    root.node("tables")?;
    let mut whole = Table::new();
    for file in root.texts("tables") {
        let table = Table::read(folder.join(file.value));
        if let Some(table) = root.kept(file.at, table) {
            root.kept(file.at, tables::add(&mut whole, &table));
        }
    }
    Some(whole)
}

fn sync(root: &Section<'_>, folder: &Path, table: Option<&Table>) -> Option<Sync> {
    let (sync, section) = Sync::read(root, root.node("sync")?, folder)?;
    sync.check(&section, table, root.node("virtual-router").is_some());
    Some(sync)
}

fn routers(root: &Section<'_>, folder: &Path, sync: Option<&Sync>) -> Vec<Router> {
    let has_link = sync.is_some_and(|sync| sync.link.is_some());
    let mut used: Vec<InterfaceName> =
        sync.map(|sync| sync.daemon(Role::Master).interface).into_iter().collect();
    let mut created = Vec::new();
    let mut routers: Vec<Router> = Vec::new();
    for node in root.array("virtual-router") {
        let read = Router::read(root.document, node, folder);
        let Some((router, section)) = read else { continue };
        if routers.iter().any(|other| other.name == router.name) {
            let rule = format!("another virtual router has the name `{}`", router.name);
            section.problem(section.at("name"), rule);
        }
        if routers.iter().any(|other| other.key() == router.key()) {
            let (interface, vrid, family) = router.key();
            section.problem(section.at("vrid"), Error::Twice { interface, vrid, family });
        }
        let first = |router: &Router| router.addresses.iter().next();
        if has_link && routers.iter().any(|other| first(other) == first(&router)) {
            let rule =
                "another virtual router has the same first address, by which `peers` know it";
            section.problem(section.at("addresses"), rule);
        }
        let is_of =
            |other: &Router| other.virtual_mac.is_some() && other.virtual_mac == router.virtual_mac;
        if routers.iter().any(is_of) {
            let rule = "another virtual router has its virtual MAC address there";
            section.problem(section.at("virtual-mac"), rule);
        }
        used.push(router.interface);
        created.extend(router.virtual_mac.map(|name| (name, section)));
        routers.push(router);
    }
    for (name, section) in created.into_iter().filter(|(name, _)| used.contains(name)) {
        let rule = format!("{name} is an `interface` here, and that of `virtual-mac` is created");
        section.problem(section.at("virtual-mac"), rule);
    }
    routers
}
