//! Flag over environment over file over default: where each value is looked for.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use portcullis::problem::ConfigError;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::private_file;
use super::table::Section;
use super::value::{Raw, Value, show};

/// What the process was given, before anybody has judged it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Given {
    /// Flags: setting, flag, value.
    pub(crate) flags: Vec<(&'static str, &'static str, String)>,
    /// The variables of the environment.
    pub(crate) environment: Vec<(OsString, OsString)>,
    /// The file: its path and text.
    pub(crate) file: Option<(PathBuf, String)>,
}

/// The name of a setting's variable, such as `PORTCULLIS_SERVER_LISTEN`.
pub(crate) fn variable(section: &str, key: &str) -> String {
    format!("{PREFIX}{section}_{key}").to_uppercase()
}

const PREFIX: &str = "PORTCULLIS_";

/// The variable that stands for `--config`.
pub(crate) const CONFIG_VARIABLE: &str = "PORTCULLIS_CONFIG";

/// The layers, ready to be asked, and every fault found so far.
#[derive(Debug)]
pub(crate) struct Layers<'a> {
    given: &'a Given,
    environment: BTreeMap<String, String>,
    document: DeTable<'a>,
    /// Whether the file could be read at all. Where it could not, settings are missing that it may hold.
    pub(crate) is_whole: bool,
    /// What was found, in the order read.
    pub(crate) sources: Vec<Source>,
    /// What is wrong.
    pub(crate) faults: ConfigError,
}

/// A setting that was not left at its default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Source {
    /// Which one, such as `server.listen`.
    pub(crate) setting: String,
    /// Its value; a secret does not show itself.
    pub(crate) value: String,
    /// Where it was found.
    pub(crate) place: String,
}

/// A value as it was found, and where.
struct Found<'a> {
    raw: Raw<'a>,
    place: String,
}

impl<'a> Layers<'a> {
    /// Opens the layers, and notes every name in them that no section knows.
    pub(crate) fn open(given: &'a Given, sections: &[Section], tables: &[Section]) -> Self {
        let mut faults = ConfigError::none();
        let mut document = DeTable::new();
        if let Some((path, text)) = &given.file {
            let (table, errors) = DeTable::parse_recoverable(text);
            for error in errors {
                let line = error.span().map_or(1, |span| line_of(text, span.start));
                // The error's own display shows the line, which may hold a secret.
                faults.add(
                    &path.display().to_string(),
                    format!("line {line} is not TOML: {}", error.message().replace('\n', ", ")),
                    "write a section as `[server]` and a setting as `key = \"value\"`",
                );
            }
            // What is guessed out of a broken file is not worth an opinion.
            if faults.faults.is_empty() {
                document = table.into_inner();
            }
        }
        let is_whole = faults.faults.is_empty();
        let mut layers = Self {
            given,
            environment: BTreeMap::new(),
            document,
            is_whole,
            sources: Vec::new(),
            faults,
        };
        layers.take_environment(sections);
        layers.refuse_unknown_keys(sections, tables);
        layers
    }

    /// Reads one setting; where it is wrong, notes that and answers the default.
    pub(crate) fn read<T: Value>(
        &mut self,
        section: &str,
        key: &str,
        default: impl FnOnce() -> T,
    ) -> T {
        let setting = format!("{section}.{key}");
        let Some(found) = self.find(section, key, T::SECRET) else {
            return default();
        };
        let (read, shown) = match &found.raw {
            Raw::Text(text) => (T::from_text(text), format!("{text:?}")),
            Raw::Toml(value) => (T::from_toml(value), show(value)),
        };
        let Ok(value) = read else {
            let mut unfit = if T::SECRET { Vec::new() } else { T::unfit_entries(&found.raw) };
            if unfit.is_empty() {
                unfit.push(if T::SECRET { "the value".to_owned() } else { shown });
            }
            for shown in unfit {
                self.faults.add(
                    &setting,
                    format!("{shown} in {} does not fit", found.place),
                    format!("write {}", T::expects()),
                );
            }
            return default();
        };
        if let (Raw::Toml(_), true, Some((path, _))) =
            (&found.raw, value.is_sensitive(), &self.given.file)
            && let Err(wrong) = private_file::refuse_if_open_to_all(path)
        {
            self.faults.add(
                &setting,
                format!("a secret stands in a file, and {wrong}"),
                wrong.fix(path),
            );
        }
        self.sources.push(Source { setting, value: value.to_text(), place: found.place });
        value
    }

    /// Reads every table of this name, such as `[[client]]`: of the file alone.
    pub(crate) fn tables<T>(&mut self, name: &str, read: impl Fn(&mut Self) -> T) -> Vec<T> {
        let found = self.document.get(name).and_then(|found| found.get_ref().as_array().cloned());
        let entries = found.into_iter().flatten().enumerate();
        let tables = entries.map(|(at, entry)| {
            let mut document = DeTable::new();
            document.insert(Spanned::new(0..0, name.to_owned().into()), entry);
            let mut one = Self {
                given: self.given,
                environment: BTreeMap::new(),
                document,
                is_whole: self.is_whole,
                sources: Vec::new(),
                faults: ConfigError::none(),
            };
            let table = read(&mut one);
            // Which of them, by its place.
            let named = |setting: String| match setting.strip_prefix(name) {
                Some(key) => format!("{name}[{at}]{key}"),
                None => setting,
            };
            for mut fault in one.faults.faults {
                fault.setting = named(fault.setting);
                self.faults.faults.push(fault);
            }
            for mut source in one.sources {
                source.setting = named(source.setting);
                self.sources.push(source);
            }
            table
        });
        tables.collect()
    }

    /// The highest layer that has the setting.
    fn find(&mut self, section: &str, key: &str, secret: bool) -> Option<Found<'a>> {
        let setting = format!("{section}.{key}");
        if let Some((_, flag, text)) = self.given.flags.iter().find(|(name, ..)| *name == setting) {
            return Some(Found { raw: Raw::Text(text.clone()), place: format!("`{flag}`") });
        }
        let name = variable(section, key);
        let file_key = format!("{key}_file");
        let value = self.environment.get(&name).cloned();
        let path =
            secret.then(|| self.environment.get(&variable(section, &file_key)).cloned()).flatten();
        if value.is_some() && path.is_some() {
            self.said_twice(&setting, &name, &variable(section, &file_key));
        }
        if let Some(text) = value {
            return Some(Found { raw: Raw::Text(text), place: name });
        }
        if let Some(path) = path {
            return self.secret_from(&setting, Path::new(&path));
        }
        let value = self.in_file(section, key);
        let path = secret.then(|| self.in_file(section, &file_key)).flatten();
        if value.is_some() && path.is_some() {
            self.said_twice(&setting, key, &file_key);
        }
        if let Some(found) = value {
            return Some(found);
        }
        match path? {
            Found { raw: Raw::Toml(DeValue::String(path)), .. } => {
                self.secret_from(&setting, Path::new(path.as_ref()))
            }
            Found { place, .. } => {
                self.faults.add(
                    &format!("{section}.{file_key}"),
                    format!("the value in {place} does not fit"),
                    "write the path of a file",
                );
                None
            }
        }
    }

    fn in_file(&self, section: &str, key: &str) -> Option<Found<'a>> {
        let (path, text) = self.given.file.as_ref()?;
        let value = self.document.get(section)?.get_ref().as_table()?.get(key)?;
        let place = format!("line {} of {}", line_of(text, value.span().start), path.display());
        Some(Found { raw: Raw::Toml(value.get_ref().clone()), place })
    }

    fn secret_from(&mut self, setting: &str, path: &Path) -> Option<Found<'a>> {
        match private_file::read_text(path) {
            Ok(text) => Some(Found { raw: Raw::Text(text), place: path.display().to_string() }),
            Err(wrong) => {
                self.faults.add(setting, wrong.to_string(), wrong.fix(path));
                None
            }
        }
    }

    fn said_twice(&mut self, setting: &str, one: &str, other: &str) {
        self.faults.add(
            setting,
            format!("both `{one}` and `{other}` are set"),
            "keep one of the two".to_owned(),
        );
    }

    /// Keeps the variables that are ours, and notes those that are ours and unknown.
    fn take_environment(&mut self, sections: &[Section]) {
        let known: Vec<String> = std::iter::once(CONFIG_VARIABLE.to_owned())
            .chain(names(sections).map(|(section, key)| variable(section, &key)))
            .collect();
        for (name, value) in &self.given.environment {
            let Some(name) = name.to_str().filter(|name| name.starts_with(PREFIX)) else {
                continue;
            };
            if !known.iter().any(|one| one == name) {
                if !is_service_link(name) {
                    self.faults.add(
                        name,
                        "no setting has this variable",
                        match nearest(name, known.iter().map(String::as_str)) {
                            Some(near) => format!("did you mean `{near}`? Otherwise unset it"),
                            None => "unset it".to_owned(),
                        },
                    );
                }
                continue;
            }
            match value.to_str() {
                Some(value) => {
                    self.environment.insert(name.to_owned(), value.to_owned());
                }
                None => self.faults.add(name, "its value is not UTF-8", "write it in UTF-8"),
            }
        }
    }

    /// Notes every section and key of the file that nothing reads.
    fn refuse_unknown_keys(&mut self, sections: &[Section], tables: &[Section]) {
        let Some((path, text)) = &self.given.file else {
            return;
        };
        let known: Vec<(&str, String)> = names(sections).collect();
        let mut unknown = Vec::new();
        for (name, value) in &self.document {
            let at = |offset| format!("line {} of {}", line_of(text, offset), path.display());
            let section = name.get_ref().as_ref();
            let is_section = sections.iter().any(|one| one.name == section);
            match value.get_ref() {
                DeValue::Table(table) if is_section => {
                    for key in table.keys() {
                        let name = key.get_ref().as_ref();
                        if known.iter().any(|(of, key)| *of == section && key == name) {
                            continue;
                        }
                        let here = known.iter().filter(|(of, _)| *of == section);
                        let place = at(key.span().start);
                        let fix = match nearest(name, here.map(|(_, key)| key.as_str())) {
                            Some(near) => format!("did you mean `{near}`?"),
                            None => belongs(&known, name),
                        };
                        unknown.push((key.span().start, format!("{section}.{name}"), place, fix));
                    }
                }
                DeValue::Array(entries) if tables.iter().any(|table| table.name == section) => {
                    let known: Vec<String> = names(tables)
                        .filter(|(of, _)| *of == section)
                        .map(|(_, key)| key)
                        .collect();
                    let keys = entries.iter().flat_map(|entry| {
                        entry.get_ref().as_table().into_iter().flat_map(DeTable::keys)
                    });
                    for key in keys.filter(|key| !known.iter().any(|one| one == key.get_ref())) {
                        let fix = match nearest(key.get_ref(), known.iter().map(String::as_str)) {
                            Some(near) => format!("did you mean `{near}`?"),
                            None => format!("its keys are {}", known.join(", ")),
                        };
                        let (start, key) = (key.span().start, key.get_ref());
                        unknown.push((start, format!("{section}.{key}"), at(start), fix));
                    }
                }
                DeValue::Table(_) => {
                    let names = sections.iter().map(|section| section.name);
                    let fix = match nearest(section, names.clone()) {
                        Some(near) => format!("did you mean `[{near}]`?"),
                        None => {
                            format!("the sections are {}", names.collect::<Vec<_>>().join(", "))
                        }
                    };
                    let place = at(name.span().start);
                    unknown.push((name.span().start, format!("[{section}]"), place, fix));
                }
                _ => {
                    let (place, fix) = (at(name.span().start), belongs(&known, section));
                    unknown.push((name.span().start, section.to_owned(), place, fix));
                }
            }
        }
        unknown.sort();
        for (_, setting, place, fix) in unknown {
            self.faults.add(&setting, format!("{place} has a key that nothing reads"), fix);
        }
    }
}

/// Every name a setting goes by: section and key, and for a secret the key of its file.
fn names(sections: &[Section]) -> impl Iterator<Item = (&'static str, String)> {
    sections.iter().flat_map(|section| {
        let name = section.name;
        section.settings.iter().flat_map(move |setting| {
            let file = setting.secret.then(|| (name, format!("{}_file", setting.key)));
            std::iter::once((name, setting.key.to_owned())).chain(file)
        })
    })
}

/// Where a key that stands in the wrong section belongs.
fn belongs(known: &[(&str, String)], name: &str) -> String {
    let exact = known.iter().find(|(_, key)| key == name);
    let near = exact.or_else(|| {
        let key = nearest(name, known.iter().map(|(_, key)| key.as_str()))?;
        known.iter().find(|(_, known)| known == key)
    });
    match near {
        Some((section, key)) => format!("did you mean `{key}` in `[{section}]`?"),
        None => "take it out; docs/generated/config.md lists every setting".to_owned(),
    }
}

/// The name most like `wrong`, where one is like it at all.
fn nearest<'a>(wrong: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let wrong = wrong.to_lowercase();
    let names: Vec<&str> = names.collect();
    let alike =
        |one: &str, other: &str| strsim::normalized_damerau_levenshtein(one, &other.to_lowercase());
    // One that says no more than `wrong` does, as `origins` in `allow_origins`.
    let within = |name: &&&str| {
        let said = |word: &str| wrong.split('_').any(|one| alike(one, word) >= 0.8);
        name.split('_').all(said)
    };
    names
        .iter()
        .map(|name| (alike(&wrong, name), *name))
        .filter(|(likeness, _)| *likeness >= 0.6)
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map(|(_, name)| name)
        .or_else(|| names.iter().filter(within).max_by_key(|name| name.len()).copied())
}

/// Whether Kubernetes or Docker put the variable there, for a service that is called portcullis:
/// `PORTCULLIS_SERVICE_HOST`, `PORTCULLIS_PORT_8000_TCP_ADDR` and so on.
fn is_service_link(name: &str) -> bool {
    let Some(at) = ["_SERVICE_HOST", "_SERVICE_PORT", "_PORT"]
        .iter()
        .find_map(|mark| name.rfind(mark).map(|at| (&name[at + mark.len()..], *mark)))
    else {
        return false;
    };
    match at {
        ("", _) => true,
        (rest, "_SERVICE_PORT") => rest.starts_with('_'),
        (rest, "_PORT") => is_port_link(rest),
        _ => false,
    }
}

/// Whether it is as in `_8000_TCP_ADDR`.
fn is_port_link(rest: &str) -> bool {
    let mut words = rest.split('_').skip(1);
    words.next().is_some_and(|port| port.parse::<u16>().is_ok())
        && words.next().is_some_and(|protocol| matches!(protocol, "TCP" | "UDP" | "SCTP"))
}

fn line_of(text: &str, offset: usize) -> usize {
    text.as_bytes().iter().take(offset).filter(|byte| **byte == b'\n').count() + 1
}
