//! Functions of Python that run commands or code, or reach into files and the network.
//!
//! Knowing them is not what keeps the reader safe, which calls nothing at all; but who receives a file that names one should
//! hear of it. A file may also hold an object of the user's own module of the same name, such as `code.opts.Opts` for the
//! options of a training, so a function counts by its whole name and never by where the name begins. A name with dots is
//! one that Python walks along: `os.system` of the module `shutil`, which imports `os`, is that function too.

/// Modules, and the functions and classes in each of them.
const PROGRAMS: [(&[&str], &[&str]); 27] = [
    (
        &["builtins", "__builtin__"],
        &["eval", "exec", "compile", "open", "__import__", "execfile", "input", "breakpoint", "apply"],
    ),
    (
        &SYSTEM,
        &[
            "system",
            "popen",
            "popen2",
            "popen3",
            "popen4",
            "startfile",
            "fork",
            "forkpty",
            "kill",
            "killpg",
            "open",
            "fdopen",
            "remove",
            "unlink",
            "rmdir",
            "removedirs",
            "rename",
            "renames",
            "replace",
            "truncate",
            "link",
            "symlink",
            "chmod",
            "chown",
            "putenv",
            "unsetenv",
            "_exit",
            "abort",
        ],
    ),
    (&["subprocess"], &["Popen", "call", "run", "check_call", "check_output", "getoutput", "getstatusoutput"]),
    (&["commands"], &["getoutput", "getstatusoutput", "getstatus"]),
    (&["popen2"], &["popen2", "popen3", "popen4", "Popen3", "Popen4"]),
    (&["sys"], &["modules", "exit", "settrace", "setprofile", "_getframe", "breakpointhook", "addaudithook"]),
    (&["socket", "_socket"], &["socket", "create_connection", "create_server", "socketpair", "fromfd"]),
    (
        &["shutil"],
        &["rmtree", "move", "copy", "copy2", "copyfile", "copytree", "chown", "unpack_archive", "make_archive"],
    ),
    (&["runpy"], &["run_module", "run_path", "_run_code", "_run_module_code", "_run_module_as_main"]),
    (&["pty"], &["spawn", "fork"]),
    (
        &["importlib", "importlib._bootstrap", "imp"],
        &["import_module", "reload", "__import__", "load_source", "load_module"],
    ),
    (&["importlib.machinery", "importlib._bootstrap_external"], &LOADERS),
    (
        &["importlib.util"],
        &["find_spec", "spec_from_file_location", "spec_from_loader", "module_from_spec", "LazyLoader"],
    ),
    (&["ctypes.util"], &["find_library"]),
    (&["multiprocessing.util"], &["spawnv_passfds"]),
    (&["_posixsubprocess"], &["fork_exec"]),
    (&["ctypes"], &["CDLL", "PyDLL", "WinDLL", "OleDLL", "cdll", "pydll", "windll", "oledll", "memmove", "CFUNCTYPE"]),
    (&["webbrowser"], &["open", "open_new", "open_new_tab", "get"]),
    (&["pip", "pip._internal", "pip._internal.cli.main", "pip._internal.main"], &["main"]),
    (
        &["pdb", "bdb", "profile", "cProfile"],
        &["run", "runeval", "runcall", "runctx", "set_trace", "Pdb", "Bdb", "Profile"],
    ),
    (&["timeit"], &["timeit", "repeat", "main", "Timer"]),
    (&["code", "codeop"], &["InteractiveInterpreter", "InteractiveConsole", "interact", "compile_command"]),
    (&["marshal", "pickle", "_pickle", "cPickle"], &["load", "loads"]),
    (&["multiprocessing", "multiprocessing.context", "multiprocessing.process"], &["Process", "Pool"]),
    (&["asyncio", "asyncio.subprocess"], &["create_subprocess_shell", "create_subprocess_exec"]),
    (&["urllib", "urllib2", "urllib.request"], &["urlopen", "urlretrieve", "URLopener", "FancyURLopener"]),
    (&["requests", "requests.api"], &["get", "post", "put", "patch", "delete", "head", "options", "request"]),
];

/// The modules of the operating system's functions.
const SYSTEM: [&str; 3] = ["os", "posix", "nt"];

/// What reads a module's code from a file.
const LOADERS: [&str; 4] = ["SourceFileLoader", "SourcelessFileLoader", "ExtensionFileLoader", "FileFinder"];

/// Families of functions of the operating system, each with many endings.
const FAMILIES: [&str; 3] = ["exec", "spawn", "posix_spawn"];

/// Whether `module.name` is a function that runs programs, or leads by attributes over one.
pub(super) fn runs_programs(module: &str, name: &str) -> bool {
    let full = format!("{module}.{name}");
    let mut end = module.len();
    name.split('.').any(|function| {
        let (path, walked) = (&full[..end], &full[module.len()..end]);
        end += 1 + function.len();
        // What lies in front of the name is one module. An attribute on the way may be another that the first imports.
        let stands_before =
            |listed: &str| path == listed || walked.strip_suffix(listed).is_some_and(|rest| rest.ends_with('.'));
        is_program(stands_before, function)
    })
}

/// Whether `function` is one of a module for which `stands_before` holds.
fn is_program(stands_before: impl Fn(&str) -> bool, function: &str) -> bool {
    let family = FAMILIES.iter().any(|family| function.starts_with(family));
    (family && SYSTEM.iter().any(|module| stands_before(module)))
        || PROGRAMS.iter().any(|(modules, names)| names.contains(&function) && modules.iter().any(|m| stands_before(m)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_that_run_programs_are_known_by_their_whole_name() {
        for (module, name) in [
            ("os", "system"),
            ("nt", "spawnle"),
            ("posix", "posix_spawnp"),
            ("subprocess", "Popen"),
            ("code", "interact"),
            ("importlib.machinery", "SourceFileLoader"),
            ("importlib.util", "spec_from_file_location"),
            ("ctypes.util", "find_library"),
            ("multiprocessing.util", "spawnv_passfds"),
        ] {
            assert!(runs_programs(module, name), "{module}.{name}");
        }
    }

    #[test]
    fn a_name_that_leads_over_attributes_to_one_is_one() {
        for (module, name) in [
            ("shutil", "os.system"),
            ("subprocess", "os.execv"),
            ("code", "sys.modules"),
            ("os", "system.__call__"),
            ("pip", "_internal.main"),
            ("torch", "hub.urllib.request.urlopen"),
            ("torch.serialization", "io.os.path.os.popen"),
        ] {
            assert!(runs_programs(module, name), "{module}.{name}");
        }
        for (module, name) in [
            ("code", "opts.Opts"),
            ("code.opts", "Opts"),
            // Modules of the user's own package: only Python's are found under those names.
            ("tools.profile", "Profile"),
            ("commands.run", "Options"),
            ("tools", "macos.system"),
        ] {
            assert!(!runs_programs(module, name), "{module}.{name}");
        }
    }

    #[test]
    fn what_only_begins_like_one_of_their_modules_is_an_object_like_any_other() {
        for (modules, _) in PROGRAMS {
            for module in modules {
                assert!(
                    !runs_programs(module, "Opts") && !runs_programs(&format!("{module}.opts"), "main"),
                    "{module}"
                );
            }
        }
        // What os.uname() gives, as programs note it beside their weights.
        assert!(!runs_programs("posix", "uname_result"));
    }
}
