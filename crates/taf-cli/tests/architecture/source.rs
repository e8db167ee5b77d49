use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use syn::spanned::Spanned;
use syn::visit::{self, Visit};

/// A path in the source, from the root of its crate: `["model", "Pass"]`.
pub type ModulePath = Vec<String>;

/// What is asked about one file of Rust.
pub struct SourceFile {
    pub path: PathBuf,
    /// Where it stands in its crate; empty for the root.
    pub module: ModulePath,
    pub lines: usize,
    /// Every function with its lines.
    pub functions: Vec<(String, usize)>,
    /// What its code names within the crate.
    pub references: Vec<ModulePath>,
    /// What it passes on, by the name it has here.
    pub doors: BTreeMap<String, ModulePath>,
}

impl SourceFile {
    /// The files in a folder and those under it, the folder being the root of a crate.
    pub fn all_in(folder: &Path) -> Vec<Self> {
        let mut files = Vec::new();
        collect(folder, folder, &mut files);
        files
    }

    fn read(root: &Path, path: PathBuf) -> Self {
        let text = std::fs::read_to_string(&path).unwrap();
        let mut module: ModulePath = path.strip_prefix(root).unwrap().with_extension("").iter().map(text_of).collect();
        if matches!(module.last().map(String::as_str), Some("mod" | "lib" | "main")) {
            module.pop();
        }
        let syntax = syn::parse_file(&text).unwrap_or_else(|error| panic!("{error}: {}", path.display()));
        let mut reader = Reader { module: module.clone(), ..Reader::default() };
        reader.visit_file(&syntax);
        let Reader { functions, references, doors, .. } = reader;
        Self { path, module, lines: text.lines().count(), functions, references, doors }
    }
}

fn text_of(part: &std::ffi::OsStr) -> String {
    part.to_str().unwrap().to_owned()
}

fn collect(root: &Path, folder: &Path, files: &mut Vec<SourceFile>) {
    let mut entries: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            collect(root, &path, files);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            files.push(SourceFile::read(root, path));
        }
    }
}

/// Walks through a file.
#[derive(Default)]
struct Reader {
    /// The module the walk stands in: that of the file, or one inside it.
    module: ModulePath,
    functions: Vec<(String, usize)>,
    references: Vec<ModulePath>,
    doors: BTreeMap<String, ModulePath>,
}

impl Reader {
    /// A path as the source has it, from the root of the crate; none where it begins in another crate or with a local name.
    fn resolve(&self, path: &[String]) -> Option<ModulePath> {
        let (mut at, mut rest) = match path.first()?.as_str() {
            "crate" => (Vec::new(), &path[1..]),
            "self" => (self.module.clone(), &path[1..]),
            "super" => (self.module.clone(), path),
            _ => return None,
        };
        while rest.first().is_some_and(|part| part == "super") {
            at.pop()?;
            rest = &rest[1..];
        }
        at.extend_from_slice(rest);
        Some(at)
    }

    fn names(&mut self, path: &[String]) {
        self.references.extend(self.resolve(path));
    }

    /// The paths of a `use`, each with the name it has here.
    fn used(tree: &syn::UseTree, before: &[String]) -> Vec<(Vec<String>, String)> {
        let with = |name: &syn::Ident| before.iter().cloned().chain([name.to_string()]).collect::<Vec<_>>();
        match tree {
            syn::UseTree::Path(path) => Self::used(&path.tree, &with(&path.ident)),
            syn::UseTree::Name(name) if name.ident == "self" => {
                vec![(before.to_vec(), before[before.len() - 1].clone())]
            }
            syn::UseTree::Name(name) => vec![(with(&name.ident), name.ident.to_string())],
            syn::UseTree::Rename(name) => vec![(with(&name.ident), name.rename.to_string())],
            syn::UseTree::Glob(_) => vec![(before.to_vec(), "*".to_owned())],
            syn::UseTree::Group(group) => group.items.iter().flat_map(|tree| Self::used(tree, before)).collect(),
        }
    }

    fn function(&mut self, signature: &syn::Signature, whole: &impl Spanned) {
        let lines = whole.span().end().line + 1 - signature.span().start().line;
        self.functions.push((signature.ident.to_string(), lines));
    }
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        // What tests use is no part of the house.
        let is_test = item.attrs.iter().any(|attribute| attribute.path().is_ident("cfg"));
        if item.content.is_some() {
            self.module.push(item.ident.to_string());
            let (references, doors) = (self.references.len(), self.doors.clone());
            visit::visit_item_mod(self, item);
            if is_test {
                self.references.truncate(references);
            }
            self.doors = doors;
            self.module.pop();
        }
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        for (path, name) in Self::used(&item.tree, &[]) {
            let passed_on = !matches!(item.vis, syn::Visibility::Inherited);
            let own = path.first().is_some_and(|first| !matches!(first.as_str(), "crate" | "self" | "super"));
            match passed_on {
                // `pub use child::Thing` names a child without saying `self`.
                true if own => drop(self.doors.insert(name, [self.module.clone(), path].concat())),
                true => drop(self.resolve(&path).and_then(|path| self.doors.insert(name, path))),
                false if own => self.references.push([self.module.clone(), path].concat()),
                false => self.names(&path),
            }
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let parts: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        if parts.len() > 1 && !matches!(parts[0].as_str(), "crate" | "self" | "super") {
            self.references.push([self.module.clone(), parts.clone()].concat());
        }
        self.names(&parts);
        visit::visit_path(self, path);
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.function(&item.sig, &item.block);
        visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.function(&item.sig, &item.block);
        visit::visit_impl_item_fn(self, item);
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        if let Some(body) = &item.default {
            self.function(&item.sig, body);
        }
        visit::visit_trait_item_fn(self, item);
    }
}
