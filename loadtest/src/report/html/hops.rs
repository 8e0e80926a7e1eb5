//! Who answered whom: the picture that a workshop remembers, and the table behind it.

use maud::{Markup, html};

use super::parts;
use super::section;
use crate::record::{Client, Hop, Wanted};
use crate::report::headline::BALANCED;
use crate::report::mark::{Mark, Tone};
use crate::report::view::{self, View, letter};
use crate::report::{titles, words};

/// More columns than this do not fit a page of paper.
const COLUMNS_MAX: usize = 6;

/// Who answered whom: a picture of the headline arms behind the balancer, then every pair.
pub(super) fn render(view: View<'_>) -> Markup {
    let body = html! {
        @if view.record.hops.is_empty() {
            p.lead { "This record holds no hops." }
        } @else {
            p.lead {
                "Each square: requests recognised, of logins that one server had taken, by the "
                "server that answered."
            }
            div.grids {
                @for arm in view.headline_arms() {
                    @for picture in pictures(&view.hops(&arm.arm, BALANCED)) {
                        (hop_picture(&view.full_label(arm), &picture))
                    }
                }
            }
            h3 { "Every arm, every event" }
            p.lead {
                "A → B: logged in at A, answered by B. Where a refusal is what one wants, the "
                "pairs stand in " code { "hops.csv" } "."
            }
            @for table in parts::pack(columns(view), COLUMNS_MAX) { (hop_table(view, &table)) }
        }
    };
    section("hops", &titles::hops(view), &body)
}

/// Who answered whom for some clients of one arm.
struct Picture {
    /// The clients that saw it.
    clients: Vec<&'static str>,
    logins: Vec<String>,
    answers: Vec<String>,
    /// One row for each login instance, one mark in it for each answering instance.
    marks: Vec<Vec<Mark>>,
}

/// One picture for each client; clients that saw the same share one.
fn pictures(hops: &[&Hop]) -> Vec<Picture> {
    let mut clients: Vec<_> = hops.iter().map(|hop| hop.client).collect();
    clients.sort_unstable();
    clients.dedup();
    let mut pictures: Vec<Picture> = Vec::new();
    for client in clients {
        let own: Vec<_> = hops
            .iter()
            .copied()
            .filter(|hop| hop.client == client)
            .collect();
        let logins = names(&own, |hop| &hop.login_instance);
        let answers = names(&own, |hop| &hop.answering_instance);
        let between = |login: &String, answer: &String| {
            let of_pair = own
                .iter()
                .copied()
                .filter(|hop| hop.login_instance == *login && hop.answering_instance == *answer);
            mark_of(of_pair)
        };
        let row = |login| {
            answers
                .iter()
                .map(|answer| between(login, answer))
                .collect()
        };
        let marks: Vec<Vec<Mark>> = logins.iter().map(row).collect();
        match pictures.iter_mut().find(|picture| picture.marks == marks) {
            Some(picture) => picture.clients.push(view::client(client)),
            None => {
                let clients = vec![view::client(client)];
                pictures.push(Picture {
                    clients,
                    logins,
                    answers,
                    marks,
                });
            }
        }
    }
    pictures
}

/// The names of the instances on one side, in order.
fn names(hops: &[&Hop], side: fn(&Hop) -> &String) -> Vec<String> {
    let mut names: Vec<_> = hops.iter().map(|hop| side(hop).clone()).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// What was observed of one pair of instances.
fn mark_of<'a>(hops: impl Iterator<Item = &'a Hop>) -> Mark {
    let (mut recognised, mut all, mut failed) = (0, 0, 0);
    for hop in hops {
        recognised += hop.recognised;
        failed += hop.failed;
        all += hop.recognised + hop.refused + hop.failed;
    }
    let word = words::of(recognised, all);
    let mark = match (recognised, all) {
        (_, 0) => Mark::new(Tone::Blank, "none"),
        (some, all) if some == all => Mark::new(Tone::Full, word),
        (0, _) => Mark::new(Tone::None, word),
        _ => Mark::new(Tone::Part, word),
    };
    mark.note((failed > 0).then(|| format!("{} failed", words::count(failed))))
}

fn hop_picture(label: &str, picture: &Picture) -> Markup {
    html! {
        figure {
            figcaption { (label) small { (words::join(&picture.clients)) } }
            table {
                thead {
                    tr {
                        td {}
                        @for answer in &picture.answers {
                            th scope="col" { "ask " (letter(answer)) }
                        }
                    }
                }
                tbody {
                    @for (login, marks) in picture.logins.iter().zip(&picture.marks) {
                        tr {
                            th scope="row" { (letter(login)) "’s logins" }
                            @for mark in marks { (parts::cell(mark)) }
                        }
                    }
                }
            }
        }
    }
}

/// One column of the table: an event, and who was asked about whose logins.
struct Column<'a> {
    event: &'a str,
    variant: Option<&'a str>,
    login: String,
    answering: String,
}

impl Column<'_> {
    fn holds(&self, hop: &Hop) -> bool {
        hop.event == self.event
            && hop.variant.as_deref() == self.variant
            && letter(&hop.login_instance) == self.login
            && letter(&hop.answering_instance) == self.answering
    }
}

/// The columns of each event and variant that has any, instances in order.
fn columns(view: View<'_>) -> Vec<Vec<Column<'_>>> {
    let mut groups: Vec<Vec<Column<'_>>> = Vec::new();
    let wanted = |hop: &&Hop| view.event(&hop.event).wanted == Wanted::Recognised;
    for hop in view.record.hops.iter().filter(wanted) {
        let (event, variant) = (hop.event.as_str(), hop.variant.as_deref());
        let at = groups
            .iter()
            .position(|group| (group[0].event, group[0].variant) == (event, variant));
        let at = at.unwrap_or_else(|| {
            groups.push(Vec::new());
            groups.len() - 1
        });
        if !groups[at].iter().any(|column| column.holds(hop)) {
            let login = letter(&hop.login_instance);
            let answering = letter(&hop.answering_instance);
            groups[at].push(Column {
                event,
                variant,
                login,
                answering,
            });
        }
    }
    for group in &mut groups {
        group.sort_by(|a, b| (&a.login, &a.answering).cmp(&(&b.login, &b.answering)));
    }
    groups
}

fn hop_table(view: View<'_>, groups: &[Vec<Column<'_>>]) -> Markup {
    let columns: Vec<_> = groups.iter().flatten().collect();
    let mut rows: Vec<(&str, Client)> = Vec::new();
    for hop in view
        .record
        .hops
        .iter()
        .filter(|hop| columns.iter().any(|one| one.holds(hop)))
    {
        if !rows.contains(&(&hop.arm, hop.client)) {
            rows.push((&hop.arm, hop.client));
        }
    }
    let table = html! {
        table.matrix.hops {
            thead {
                tr {
                    th rowspan="2" scope="col" { "arm" }
                    @for group in groups {
                        th.group scope="colgroup" colspan=(group.len()) {
                            (view.event(group[0].event).label)
                            @if let Some(variant) = group[0].variant { " (" (variant) ")" }
                        }
                    }
                }
                tr {
                    @for column in &columns {
                        th scope="col" { (column.login) " → " (column.answering) }
                    }
                }
            }
            tbody {
                @for (arm, client) in rows {
                    tr {
                        th scope="row" {
                            (words::capital(&view.short_label_of(arm)))
                            small { (view::client(client)) }
                        }
                        @for column in &columns {
                            (parts::cell(&pair_mark(view, arm, client, column)))
                        }
                    }
                }
            }
        }
    };
    parts::scrolling("Who answered whom", &table)
}

fn pair_mark(view: View<'_>, arm: &str, client: Client, column: &Column<'_>) -> Mark {
    let hops = view.hops(arm, column.event);
    mark_of(
        hops.into_iter()
            .filter(|hop| hop.client == client && column.holds(hop)),
    )
}
