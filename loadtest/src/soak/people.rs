//! The people of a soak: each logs in, asks now and then, logs out, tries the old credential a few
//! times more, and begins again.

use std::sync::Arc;
use std::time::Duration;

use rand::RngExt as _;
use rand_pcg::Pcg64;
use tokio::sync::watch;
use tokio::time::sleep;

use super::history::{Came, What};
use super::notes::Notes;
use crate::answer::Answer;
use crate::scene::Scene;
use crate::visitors::{Account, Visitor, steadfast};

/// People of each arm.
pub const PEOPLE: usize = 10;

/// Within what time they all come. At one moment they would be a `login-herd`: fifty checks of a
/// password take a busy machine so long that a balancer gives up the last ones.
const ARRIVALS: Duration = Duration::from_secs(10);

/// What somebody thinks between two requests, on average.
const PAUSE: Duration = Duration::from_millis(500);

/// Requests of a login before its log-out: at least, and at most.
const REQUESTS: std::ops::Range<u32> = 5..60;

/// How often the credential is tried after that, and how long one waits in between.
const TRIES_AFTER: u32 = 6;
const PAUSE_AFTER: Duration = Duration::from_millis(300);

/// One of them.
pub struct Person<'a> {
    /// The arm that is asked.
    pub scene: &'a Scene,
    /// Where it is written down.
    pub notes: &'a Notes,
    /// Whose account it is.
    pub account: Account,
    /// What is drawn by lot.
    pub random: Pcg64,
}

impl Person<'_> {
    /// Lives until told to stop.
    ///
    /// # Errors
    /// When the history cannot be written.
    pub async fn live(mut self, mut stopped: watch::Receiver<bool>) -> anyhow::Result<()> {
        // What is under way is finished first: its answer belongs to the history.
        let done = |stopped: &watch::Receiver<bool>| *stopped.borrow();
        self.wait(ARRIVALS, &mut stopped).await;
        while !done(&stopped) {
            let interface = Arc::clone(&self.scene.interface);
            let mut visitor =
                Visitor::new(steadfast(self.scene.arm), interface, self.account.clone());
            let login = self.notes.next_login();
            let answer = visitor.log_in(&self.scene.balanced).await;
            let mut well = self.note(login, What::LogIn, &answer)? == Came::Done;
            let requests = self.random.random_range(REQUESTS);
            for _ in 0..requests {
                self.wait(PAUSE * 2, &mut stopped).await;
                if !well || done(&stopped) {
                    break;
                }
                let answer = visitor.ask(&self.scene.balanced).await;
                // Who is refused logs in again; who gets no answer tries once more.
                well = self.note(login, What::WhoAmI, &answer)? != Came::Refused;
            }
            if well && !done(&stopped) {
                self.leave(login, &visitor).await?;
            }
        }
        Ok(())
    }

    /// Logs out, and tries whether that was true.
    async fn leave(&mut self, login: u32, visitor: &Visitor) -> anyhow::Result<()> {
        let answer = visitor.log_out(&self.scene.balanced).await;
        self.note(login, What::LogOut, &answer)?;
        for _ in 0..TRIES_AFTER {
            let answer = visitor.ask(&self.scene.balanced).await;
            self.note(login, What::WhoAmI, &answer)?;
            sleep(PAUSE_AFTER).await;
        }
        Ok(())
    }

    /// Between nothing and as long as this, or until all are told to stop.
    async fn wait(&mut self, at_most: Duration, stopped: &mut watch::Receiver<bool>) {
        let pause = at_most.mul_f64(self.random.random_range(0.0..1.0));
        tokio::select! {
            () = sleep(pause) => {}
            _ = stopped.wait_for(|stopped| *stopped) => {}
        }
    }

    fn note(&self, login: u32, what: What, answer: &Answer) -> anyhow::Result<Came> {
        self.notes.asked(self.scene.arm.name, login, what, answer)?;
        Ok(Came::from(answer))
    }
}
