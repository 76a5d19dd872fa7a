//! The paths by which a file names other modules of this crate, each in full.

use std::collections::BTreeMap;

use syn::visit::{self, Visit};

/// A path from the root of the crate, without `crate`: `["auth", "tokens", "Issued"]`. A glob ends with `*`.
pub(crate) type FullPath = Vec<String>;

/// What a file names, and what it calls it.
#[derive(Debug, Default)]
pub(crate) struct Names {
    /// Every path into this crate, of imports, of code and of macros. Tests and documentation are left out.
    pub(crate) all: Vec<FullPath>,
    /// What a `use` that others can see gives another place: its name here, and where it leads.
    pub(crate) exports: BTreeMap<String, FullPath>,
}

/// Reads a file that is this module of the crate.
pub(crate) fn named(text: &str, module: &[&str]) -> Names {
    let file = syn::parse_file(text).expect("a file of Rust");
    let mut reader = Reader {
        module: module.iter().map(|&part| part.to_owned()).collect(),
        imported: BTreeMap::new(),
        names: Names::default(),
    };
    // Imports first: an alias may be used above the line that makes it.
    Imports(&mut reader).visit_file(&file);
    reader.visit_file(&file);
    reader.names
}

struct Reader {
    module: FullPath,
    imported: BTreeMap<String, FullPath>,
    names: Names,
}

impl Reader {
    /// Where a path leads, if it is into this crate.
    fn resolve(&self, segments: &[String]) -> Option<FullPath> {
        let (first, rest) = segments.split_first()?;
        match first.as_str() {
            "crate" => Some(rest.to_vec()),
            "self" => Some([&self.module, rest].concat()),
            "super" => {
                let mut at = self.module.clone();
                let supers = segments.iter().take_while(|segment| *segment == "super").count();
                at.truncate(at.len().saturating_sub(supers));
                Some([&at, &segments[supers..]].concat())
            }
            alias if !rest.is_empty() => {
                self.imported.get(alias).map(|imported| [&imported[..], rest].concat())
            }
            _ => None,
        }
    }

    fn name(&mut self, segments: &[String]) {
        self.names.all.extend(self.resolve(segments));
    }

    /// Names whatever stands in these tokens as `a::b::c`.
    fn name_tokens(&mut self, tokens: proc_macro2::TokenStream) {
        let (mut path, mut colons) = (Vec::new(), 0);
        for token in tokens {
            match token {
                proc_macro2::TokenTree::Ident(ident) => {
                    if colons != 2 {
                        self.name(&std::mem::take(&mut path));
                    }
                    path.push(ident.to_string());
                    colons = 0;
                }
                proc_macro2::TokenTree::Punct(punct) if punct.as_char() == ':' => colons += 1,
                proc_macro2::TokenTree::Group(group) => self.name_tokens(group.stream()),
                _ => colons = 0,
            }
        }
        self.name(&path);
    }
}

fn is_test(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute.parse_args::<syn::Path>().is_ok_and(|path| path.is_ident("test"))
    })
}

/// Reads the `use` items, at any depth.
struct Imports<'r>(&'r mut Reader);

impl Imports<'_> {
    fn tree(&mut self, tree: &syn::UseTree, before: &mut FullPath, visible: bool) {
        let (name, leads) = match tree {
            syn::UseTree::Path(path) => {
                before.push(path.ident.to_string());
                self.tree(&path.tree, before, visible);
                before.pop();
                return;
            }
            syn::UseTree::Group(group) => {
                for tree in &group.items {
                    self.tree(tree, before, visible);
                }
                return;
            }
            syn::UseTree::Glob(_) => ("*".to_owned(), "*".to_owned()),
            syn::UseTree::Name(name) => (name.ident.to_string(), name.ident.to_string()),
            syn::UseTree::Rename(rename) => (rename.rename.to_string(), rename.ident.to_string()),
        };
        let mut segments = before.clone();
        // `a::{self}` is `a`.
        let name = if leads == "self" && !segments.is_empty() {
            if name == "self" { segments.last().cloned().unwrap_or_default() } else { name }
        } else {
            segments.push(leads);
            name
        };
        // A topic of the same folder is imported by its bare name in `mod.rs`.
        let leads =
            self.0.resolve(&segments).unwrap_or_else(|| [&self.0.module[..], &segments].concat());
        if visible {
            self.0.names.exports.insert(name.clone(), leads.clone());
        }
        if self.0.resolve(&segments).is_some() {
            self.0.names.all.push(leads.clone());
            self.0.imported.insert(name, leads);
        }
    }
}

impl<'a> Visit<'a> for Imports<'_> {
    fn visit_item_mod(&mut self, item: &'a syn::ItemMod) {
        if is_test(&item.attrs) {
            return;
        }
        self.0.module.push(item.ident.to_string());
        visit::visit_item_mod(self, item);
        self.0.module.pop();
    }

    fn visit_item_use(&mut self, item: &'a syn::ItemUse) {
        if !is_test(&item.attrs) {
            let visible = !matches!(item.vis, syn::Visibility::Inherited);
            self.tree(&item.tree, &mut Vec::new(), visible);
        }
    }
}

impl<'a> Visit<'a> for Reader {
    fn visit_item_mod(&mut self, item: &'a syn::ItemMod) {
        if is_test(&item.attrs) {
            return;
        }
        self.module.push(item.ident.to_string());
        visit::visit_item_mod(self, item);
        self.module.pop();
    }

    fn visit_item_fn(&mut self, item: &'a syn::ItemFn) {
        if !is_test(&item.attrs) {
            visit::visit_item_fn(self, item);
        }
    }

    fn visit_item_impl(&mut self, item: &'a syn::ItemImpl) {
        if !is_test(&item.attrs) {
            visit::visit_item_impl(self, item);
        }
    }

    fn visit_path(&mut self, path: &'a syn::Path) {
        let segments: Vec<_> = path.segments.iter().map(|part| part.ident.to_string()).collect();
        self.name(&segments);
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, found: &'a syn::Macro) {
        self.name_tokens(found.tokens.clone());
    }

    fn visit_attribute(&mut self, _: &'a syn::Attribute) {}

    fn visit_vis_restricted(&mut self, _: &'a syn::VisRestricted) {}
}
