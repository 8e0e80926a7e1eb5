//! What is expected of a cell, in words: chosen from the same properties as the outcome itself.

use cluster::Policy;

use super::Happening;
use crate::arms::{CheckedWith, Issuers, JudgedBy, Properties, State, Written};
use crate::record::Client;

const HALF: &str = "half: recognised where they logged in, refused at the other";

impl Properties {
    /// What is expected of a survival cell, in words.
    pub fn in_words(&self, policy: Policy, client: Client, happening: Happening) -> String {
        let knows_other = self.knows("a", "b", false);
        let text = match happening {
            Happening::Store(event) => return self.store_words(event),
            Happening::Forged if self.believes_forgeries() => "believed: nothing is checked",
            Happening::Forged => "refused",
            Happening::AskedSame => "all recognised",
            Happening::AskedOther if knows_other => "all recognised",
            Happening::AskedOther => "all refused",
            Happening::Balanced => self.balanced(policy, client),
            Happening::Killed { .. } if self.ends_with_its_cookie(policy, client) => {
                self.balanced(policy, client)
            }
            Happening::Killed { .. } if knows_other => "all kept",
            Happening::Killed { .. } => "logins taken by the killed server lost, the others kept",
            Happening::Restarted if self.state == State::Process => {
                "each login lost with the restart of the server that took it"
            }
            Happening::Restarted if knows_other => "all kept",
            Happening::Restarted => HALF,
            Happening::Joined if knows_other => "all recognised, by the third too",
            Happening::Joined => self.balanced(policy, client),
            Happening::Reconnected { by_address: true } if !knows_other => {
                "recognised only where the address leads back to the server that took the login"
            }
            Happening::Reconnected { .. } => self.balanced(policy, client),
            Happening::OutOfReach if knows_other => "all kept; who waits for it may fail",
            Happening::OutOfReach if policy == Policy::Sticky => {
                "whose server does not answer is sent to the other for good, and refused there"
            }
            Happening::OutOfReach => self.balanced(policy, client),
            _ => self.in_other_words(happening),
        };
        match happening {
            Happening::Killed { issuer: true } if self.issuers == Issuers::OnlyA => {
                format!("{text}; no new logins")
            }
            _ => text.to_owned(),
        }
    }

    /// Keys, clocks, records, headers: nothing here depends on who is picked.
    fn in_other_words(&self, happening: Happening) -> &'static str {
        match happening {
            Happening::KeysReplaced {
                in_two_phases: true,
            } => match self.checked_with {
                CheckedWith::SigningKey | CheckedWith::OnlyKey => {
                    "refused where the signer has changed: no other key is tried"
                }
                CheckedWith::EveryKey | CheckedWith::Nothing => "all recognised",
            },
            Happening::KeysReplaced { .. } => "refused wherever the other key is held",
            Happening::SecretsDiffer => "exactly what crosses is refused",
            Happening::ClocksDiffer => match self.judged_by {
                JudgedBy::Nobody => "all recognised: nobody looks at a clock",
                JudgedBy::Store => "all recognised: the store's clock alone counts",
                JudgedBy::Machine => "the machine's clock counts, and the leeway of the library",
                JudgedBy::Instance if self.not_before => {
                    "refused before its time and after it, by the clock of the server asked"
                }
                JudgedBy::Instance => "ended by the clock of the server that took the login",
            },
            Happening::EndedMidway => match self.written {
                Written::Whatever => "back again at the server where the late change was written",
                Written::IfUnchanged | Written::Nothing => "refused: the log-out is not undone",
            },
            Happening::WrittenAtOnce => match self.written {
                Written::Whatever => "all answered with 200, and changes lost without a word",
                Written::IfUnchanged | Written::Nothing => "as many changes as answers with 200",
            },
            Happening::Large => "served up to 8 KiB of header, refused above, on every path",
            Happening::Stolen => "one use only; the second ends the family, on both servers",
            Happening::Herd => "who is logged in is served; who is too many is told to come again",
            _ => "as usual",
        }
    }

    fn balanced(&self, policy: Policy, client: Client) -> &'static str {
        if self.knows("a", "b", false) {
            "all recognised"
        } else if policy == Policy::Sticky {
            "all recognised: each visitor stays at one server"
        } else if self.ends_with_its_cookie(policy, client) {
            "refused for good after the first visit to the other server: it removes the cookie"
        } else {
            HALF
        }
    }

    /// Whether this client loses its login by the first visit to the wrong server.
    fn ends_with_its_cookie(&self, policy: Policy, client: Client) -> bool {
        let forgetful = client == Client::Browser && self.removes_unknown();
        forgetful && policy != Policy::Sticky && !self.knows("a", "b", false)
    }
}
