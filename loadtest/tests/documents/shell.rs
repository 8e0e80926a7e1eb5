//! Shell lines, as far as documents need them: which commands stand in a block, and where.

/// One command of a block.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Line {
    /// The line within the block, from 0.
    pub(crate) at: usize,
    /// The folder that `cd` led to, from where the block began.
    pub(crate) folder: String,
    /// The words, without assignments before them.
    pub(crate) words: Vec<String>,
}

/// What ends one command and begins the next.
const BETWEEN: [&str; 5] = ["&&", "||", "|", ";", "&"];

/// The commands of a block. Words that the shell cannot take apart are given as they are.
pub(crate) fn commands(block: &str) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut folder = String::new();
    let mut pending = String::new();
    let mut began_at = 0;
    for (at, line) in block.lines().enumerate() {
        if pending.is_empty() {
            began_at = at;
        }
        pending.push_str(line);
        if pending.ends_with('\\') {
            pending.pop();
            continue;
        }
        let Some(words) = shlex::split(&pending) else {
            // A quotation goes on in the next line.
            pending.push('\n');
            continue;
        };
        pending.clear();
        for words in split(words) {
            // In parentheses, `cd` leads only as far as they do.
            match words.as_slice() {
                [cd, to] if cd == "cd" => folder = format!("{folder}/{to}"),
                [cd, _] if cd == "(cd" => {}
                _ => lines.push(Line {
                    at: began_at,
                    folder: folder.clone(),
                    words,
                }),
            }
        }
    }
    if !pending.is_empty() {
        lines.push(Line {
            at: began_at,
            folder,
            words: vec![pending],
        });
    }
    lines
}

/// Words into commands, with assignments, redirections and parentheses taken away.
fn split(words: Vec<String>) -> Vec<Vec<String>> {
    let mut commands = vec![Vec::new()];
    for word in words {
        let (word, ends) = match word.strip_suffix(';') {
            Some(word) => (word.to_owned(), true),
            None => (word, false),
        };
        if BETWEEN.contains(&word.as_str()) {
            commands.push(Vec::new());
            continue;
        }
        let command = commands.last_mut().expect("there is always one");
        if !(command.is_empty() && is_assignment(&word)) {
            command.push(word);
        }
        if ends {
            commands.push(Vec::new());
        }
    }
    for command in &mut commands {
        let redirected = command
            .iter()
            .position(|word| word.starts_with(['>', '<']) || word.starts_with("2>"));
        command.truncate(redirected.unwrap_or(command.len()));
        if let Some(last) = command.last_mut().filter(|last| last.ends_with(')')) {
            last.pop();
        }
    }
    commands.retain(|command| !command.is_empty());
    commands
}

fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        let letter = |it: char| it.is_ascii_alphanumeric() || it == '_';
        !name.is_empty() && name.chars().all(letter)
    })
}

#[test]
fn a_block_is_taken_apart_as_a_shell_would() {
    let block = "A=1 x --y 'a b' > out &  # why\n(cd node && npm ci) && z\ncd here && p \\\n  q";
    let found: Vec<_> = commands(block)
        .into_iter()
        .map(|line| (line.at, line.folder, line.words.join("_")))
        .collect();
    let expected = [
        (0, "", "x_--y_a b"),
        (1, "", "npm_ci"),
        (1, "", "z"),
        (2, "/here", "p_q"),
    ];
    let expected = expected.map(|(at, folder, words)| (at, folder.to_owned(), words.to_owned()));
    assert_eq!(found, expected);
}
