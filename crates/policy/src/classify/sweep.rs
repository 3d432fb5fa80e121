//! Commands that read a folder with everything below it, hidden and ignored files included.
//!
//! Listing names is not reading, and searchers that leave out what git ignores (`rg`, `git grep`, `ag`) read what
//! everybody may see. Plain `grep -r`, archives, and readers behind `find` make no difference between a source file and
//! one with keys in it. Whether there is such a file only the file system knows; here it is said where to look.

use super::walk::Walk;
use super::word::Value;
use super::{Sweep, flags};

/// Programs that print, copy or change the content of the files they are given.
const READERS: &str = "awk base64 bat batcat cat cut diff egrep fgrep gawk grep gzip head hexdump hd jq less mawk more nl od \
    openssl perl python python3 rev rg sed sort strings tac tail tr uniq xxd zgrep";

/// Options of `grep` that take a value, as far as they would hide a folder.
const GREP_VALUES: &str = "-e --regexp -f --file -A -B -C -m --max-count --include --exclude --exclude-dir --exclude-from \
    -d --directories -D --devices --color --colour --label --binary-files";

/// The same for ripgrep.
const RG_VALUES: &str = "-e --regexp -f --file -A -B -C -m --max-count -g --glob --iglob -t --type -T --type-not --color -j \
    --threads -d --max-depth --sort --sortr -E --encoding -M --max-columns -r --replace --pre --pre-glob --ignore-file";

const TAR_VALUES: &str = "-C --directory -f --file --exclude -X --exclude-from -T --files-from -I --use-compress-program \
    --transform --xform --owner --group --mode";

/// What a listing or a count prints.
const NAMES_ONLY: &str =
    "-l -L -c -q --count --files-with-matches --files-without-match --files --quiet --silent";

// === impl Walk ===

impl Walk<'_> {
    /// Notes where a program of the line reads whole folders.
    pub(super) fn sweeps(&mut self, program: &str, args: &[Value]) {
        match program {
            "grep" | "egrep" | "fgrep" | "rgrep" | "zgrep" => {
                let recurses = program == "rgrep"
                    || flags::has_any(args, "-r -R --recursive --dereference-recursive")
                    || flags::values(args, "-d --directories").contains(&"recurse");
                if recurses && !flags::has_any(args, NAMES_ONLY) {
                    let except = flags::values(args, "--exclude --exclude-dir");
                    self.sweeps_all(
                        files_of_search(args, GREP_VALUES),
                        flags::values(args, "--include"),
                        except,
                    );
                }
            }
            "rg" | "ag" => self.sweeps_ignored(program, args),
            "diff" if flags::has_any(args, "-r --recursive") && !flags::has_any(args, "-q --brief") => {
                let folders =
                    flags::positionals(args, "-x --exclude -X -I -U -C").into_iter().cloned().collect();
                self.sweeps_all(folders, Vec::new(), flags::values(args, "-x --exclude"));
            }
            "tar" | "gtar" | "bsdtar" => {
                let bundled =
                    args.first().map(|first| first.text.trim_start_matches('-')).unwrap_or_default();
                let is_bundle = bundled.bytes().all(|byte| byte.is_ascii_alphabetic());
                if (is_bundle && bundled.contains(['c', 'r', 'u']))
                    || flags::has_any(args, "-c --create --append -r")
                {
                    // The first word can be a bundle of letters without a dash, and its archive the word behind it.
                    let is_bare = args.first().is_some_and(|first| is_bundle && !first.text.starts_with('-'));
                    let takes_file = is_bundle && bundled.contains('f');
                    let skip = match (is_bare, takes_file) {
                        (true, takes_file) => 1 + usize::from(takes_file),
                        (false, true) => 2,
                        (false, false) => 0,
                    };
                    let rest = args.get(skip..).unwrap_or_default();
                    let base = flags::values(rest, "-C --directory").first().copied();
                    let folders: Vec<Value> = flags::positionals(rest, TAR_VALUES)
                        .into_iter()
                        .map(|folder| below(base, folder))
                        .collect();
                    if !folders.is_empty() {
                        self.sweeps_all(folders, Vec::new(), flags::values(args, "--exclude"));
                    }
                }
            }
            "zip" if flags::has_any(args, "-r --recurse-paths -R") => {
                let words = flags::positionals(args, "-x -i -b -t -P");
                let folders = words.into_iter().skip(1).cloned().collect();
                self.sweeps_all(folders, Vec::new(), flags::values(args, "-x"));
            }
            "7z" | "7za" | "7zz" if args.first().is_some_and(|first| first.text == "a") => {
                let folders = flags::positionals(args, "").into_iter().skip(2).cloned().collect();
                self.sweeps_all(folders, Vec::new(), Vec::new());
            }
            _ => {}
        }
        // `find … -exec cat {} +`, `find … | xargs grep x`.
        if let Some(found) = self.feed.paths.clone().filter(|_| flags::lists(READERS, program)) {
            let searches = matches!(program, "grep" | "egrep" | "fgrep" | "rg" | "zgrep");
            if !(searches && flags::has_any(args, NAMES_ONLY)) {
                for folder in &found.roots {
                    let folder = if folder.is_empty() { "." } else { folder };
                    self.may_sweep(Sweep {
                        folder: folder.to_owned(),
                        only: found.names.clone(),
                        except: Vec::new(),
                    });
                }
            }
        }
    }

    /// Searchers that leave out what is hidden or ignored, unless they are told not to, or told a name.
    fn sweeps_ignored(&mut self, program: &str, args: &[Value]) {
        if flags::has_any(args, NAMES_ONLY) {
            return;
        }
        let folders = files_of_search(args, RG_VALUES);
        let globs = flags::values(args, "-g --glob --iglob");
        let (except, only): (Vec<&str>, Vec<&str>) =
            globs.into_iter().partition(|glob| glob.starts_with('!'));
        let except = except.into_iter().map(|glob| glob.trim_start_matches('!')).collect();
        let times =
            args.iter().filter_map(|arg| arg.text.strip_prefix('-').filter(|text| !text.starts_with('-')));
        let unrestricted = times.map(|text| text.matches('u').count()).sum::<usize>()
            + args.iter().filter(|arg| arg.text == "--unrestricted").count();
        let ignores_nothing = unrestricted > 1
            || (program == "ag" && unrestricted > 0)
            || (flags::has_any(args, "--hidden -.") && (unrestricted > 0 || flags::has(args, "--no-ignore")));
        if ignores_nothing || !only.is_empty() {
            self.sweeps_all(folders, only, except);
        }
    }

    fn sweeps_all(&mut self, folders: Vec<Value>, only: Vec<&str>, except: Vec<&str>) {
        let texts = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect();
        for folder in folders {
            if let Some(folder) = folder.literal() {
                self.may_sweep(Sweep {
                    folder: folder.to_owned(),
                    only: texts(&only),
                    except: texts(&except),
                });
            }
        }
    }
}

/// The files and folders of a search: what follows the pattern, or the working directory.
fn files_of_search(args: &[Value], values: &str) -> Vec<Value> {
    let has_pattern = flags::has_any(args, "-e --regexp -f --file");
    let words = flags::positionals(args, values);
    let files: Vec<Value> = words.into_iter().skip(usize::from(!has_pattern)).cloned().collect();
    if files.is_empty() { vec![Value::known(".")] } else { files }
}

fn below(base: Option<&str>, folder: &Value) -> Value {
    match base.filter(|_| !folder.text.starts_with(['/', '~'])) {
        Some(base) => Value { text: format!("{base}/{}", folder.text), ..folder.clone() },
        None => folder.clone(),
    }
}
