//! What an agreement permits and what it does not, in plain sentences.

use std::collections::BTreeSet;
use std::fmt::Display;

use indicia_core::Role;

use super::{Agreement, AllOr, Attribution, Onward, RecipientKind};

impl Agreement {
    /// What the agreement permits and what it does not, one sentence a line, complete: what no sentence permits is
    /// not permitted.
    pub fn explain(&self) -> Vec<String> {
        let mut says = Vec::new();
        let mut say = |sentence: String| says.push(sentence);
        let provider = &self.provider.id;
        let recipient = &self.recipient.party.id;
        let title = self.title.as_ref().map_or(String::new(), |title| format!(" ({title})"));
        say(format!(
            "Agreement {}, version {}{title}, between {provider}, who shares, and {recipient}, who receives. It rests on: {}.",
            self.id, self.version, self.legal_reference
        ));
        if let Some(old) = &self.supersedes {
            say(format!("It takes the place of {old}."));
        }
        say(format!(
            "It is in force from {} and ends when {} begins. Outside that time nothing is shared.",
            day(self.from),
            day(self.until)
        ));
        say(format!("Its text is known by the SHA-256 digest {}.", self.sha256));
        let what = match self.recipient.kind {
            RecipientKind::Police => "a police force",
            RecipientKind::PoliceInternational => "an international body of police",
            RecipientKind::Isac => "a sector's sharing centre",
            RecipientKind::Csirt => "a response team",
            RecipientKind::Vendor => "a company that protects others",
            RecipientKind::Public => "the public",
        };
        let countries = if self.recipient.countries.is_empty() {
            "acts for no country".to_string()
        } else {
            format!("acts for {}", countries(&self.recipient.countries))
        };
        say(format!("{recipient} is {what} and {countries}."));
        say(if self.recipient.client {
            format!("{recipient} counts as a client of {provider} in the sense of TLP.")
        } else {
            format!("{recipient} does not count as a client of {provider} in the sense of TLP.")
        });
        if self.recipient.party.organisation == self.provider.organisation {
            say(format!("Both belong to one organisation, {}.", self.provider.organisation));
        }
        let shared = &self.provider.communities & &self.recipient.party.communities;
        say(if shared.is_empty() {
            "They share no community in the sense of TLP.".to_string()
        } else {
            format!("They are both in the community {}.", list(&shared, "and"))
        });
        self.explain_scope(&mut say);
        self.explain_handling(&mut say);
        for consent in &self.consents {
            say(format!(
                "{} agreed on {} ({}) that {} may go out as TLP:{}: {}.",
                consent.who,
                day(consent.when),
                consent.reference,
                count(consent.items.len(), "item"),
                consent.tlp.name().to_uppercase(),
                list(&consent.items, "and")
            ));
        }
        for (party, what) in [(&self.provider, "Packages"), (&self.recipient.party, "Answers")] {
            if party.keys.is_empty() {
                say(format!(
                    "No signing key of {} is named: whoever gets its {} must know it from elsewhere.",
                    party.id,
                    what.to_lowercase()
                ));
            } else {
                let keys = party.keys.iter().map(|trusted| match trusted.until {
                    Some(until) => format!("{} (which ends when {} begins)", trusted.key, day(until)),
                    None => trusted.key.clone(),
                });
                say(format!("{what} count only with a signature by {} of {}.", list(keys, "or"), party.id));
            }
        }
        says
    }

    fn explain_scope(&self, say: &mut dyn FnMut(String)) {
        let scope = &self.scope;
        match &scope.roles {
            AllOr::All => say("Shared are items of every role but those of somebody to notify (compromised, victim), who would have to be named.".to_string()),
            AllOr::Only(roles) if roles.is_empty() => say("No role is named, so nothing is shared.".to_string()),
            AllOr::Only(roles) => {
                say(format!("Shared are items whose role is {}; no others.", list(roles, "or")));
                let notify: BTreeSet<Role> = roles.iter().copied().filter(|r| r.is_to_notify()).collect();
                if !notify.is_empty() {
                    say(format!(
                        "An item that is {} goes out only where the victim's country is one that the recipient acts for, and only to notify or to investigate.",
                        list(&notify, "or")
                    ));
                }
            }
        }
        match &scope.kinds {
            AllOr::All => say("Every kind of value is shared but those that name a person (phone, iban, payment-card, user-name) and unknown ones (other).".to_string()),
            AllOr::Only(kinds) => say(format!("Of the kinds of value only these are shared: {}.", list(kinds, "and"))),
        }
        match &scope.countries {
            AllOr::All => say("Items are shared whatever country they concern.".to_string()),
            AllOr::Only(set) if set.is_empty() => {
                say("No country is named, so nothing is shared.".to_string())
            }
            AllOr::Only(set) => {
                say(format!(
                    "An item is shared only where it concerns {}, by one of these: {}.",
                    countries(set),
                    list(&scope.basis, "or")
                ));
                say(if scope.send_unknown_country {
                    "Items whose country is not known, or known only weakly, are shared too.".to_string()
                } else {
                    "Items whose country is not known, or known only weakly, are not shared.".to_string()
                });
                say("What is known of other countries is taken out.".to_string());
            }
        }
        match scope.max_age_days {
            Some(days) => say(format!(
                "Nothing is shared that was last seen more than {} ago, or of which no time is known.",
                count(days as usize, "day")
            )),
            None => say("There is no greatest age.".to_string()),
        }
        if let Some(least) = scope.min_confidence {
            say(format!("Nothing is shared of which its producer is less than {least} per cent sure."));
        }
        if !scope.extra_government_suffixes.is_empty() {
            say(format!(
                "Names below {} count as those of a government, beside the known ones.",
                list(&scope.extra_government_suffixes, "and")
            ));
        }
        say(format!(
            "Nothing above TLP:{} is shared{}.",
            self.ceiling.tlp.name().to_uppercase(),
            self.ceiling
                .pap
                .map_or(String::new(), |pap| format!(", nor above PAP:{}", pap.name().to_uppercase()))
        ));
        say("What has no TLP marking is not shared. What somebody else marked is shared only with those whom that marking lets have it.".to_string());
        say(format!(
            "Markings by {} are kept; an item with any other marking is not shared.",
            list(&self.ceiling.schemes, "and")
        ));
    }

    fn explain_handling(&self, say: &mut dyn FnMut(String)) {
        let (handling, recipient) = (&self.handling, &self.recipient.party.id);
        if handling.purposes.is_empty() {
            say("No purpose is named, so nothing is shared.".to_string());
        } else {
            say(format!(
                "{recipient} may use what it gets for {}, and for nothing else.",
                list(&handling.purposes, "and")
            ));
        }
        say(match handling.onward {
            Onward::None => format!("{recipient} may pass nothing on."),
            Onward::Consent => format!("{recipient} may pass an item on only with consent, each time."),
            Onward::Organisation => format!("{recipient} may pass items on inside its organisation only."),
            Onward::Listed => format!(
                "{recipient} may pass items on to {} and to nobody else, as far as the marking lets it.",
                list(&handling.onward_to, "and")
            ),
        });
        say(match handling.attribution {
            Attribution::May => "Producers may be named.".to_string(),
            Attribution::Must => "Producers are named, and have to be named wherever items are used.".to_string(),
            Attribution::MustNot => "No producer is named, and nothing goes out that points to one: no references, no ids of theirs.".to_string(),
        });
        say(if handling.sidecar {
            "Lists that cannot carry a marking may hold marked items, and go with a signed file that says how each is to be handled.".to_string()
        } else {
            "Lists that cannot carry a marking hold only items marked TLP:CLEAR.".to_string()
        });
        say(if handling.block_roles.is_empty() {
            "Nobody who is to be notified stands in a list for blocking.".to_string()
        } else {
            format!(
                "Items whose role is {} may stand in lists for blocking.",
                list(&handling.block_roles, "or")
            )
        });
        say(format!(
            "{recipient} deletes each item {} after it first went out, or earlier where its producer says so. Sending it again does not make it last longer.",
            count(self.retention_days as usize, "day")
        ));
        say(format!(
            "Before it goes out, each item is redacted by the rules {}: what names a person is taken out, and how much of what class is told.",
            self.redaction
        ));
        say(if self.feedback.is_empty() {
            "No answers are agreed.".to_string()
        } else {
            format!("{recipient} may answer for each item with {}.", list(&self.feedback, "or"))
        });
        say("That an item is taken back is told to everybody who got it, also when the agreement has ended."
            .to_string());
    }
}

fn day(time: indicia_core::Time) -> String {
    let text = time.to_string();
    text.strip_suffix("T00:00:00Z").map_or(text.clone(), str::to_string)
}

fn count(n: usize, what: &str) -> String {
    if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") }
}

fn list<T: Display>(all: impl IntoIterator<Item = T>, word: &str) -> String {
    let all: Vec<String> = all.into_iter().map(|one| one.to_string()).collect();
    match all.split_last() {
        None => "none".to_string(),
        Some((one, [])) => one.clone(),
        Some((last, rest)) => format!("{} {word} {last}", rest.join(", ")),
    }
}

fn countries(codes: &BTreeSet<String>) -> String {
    let named = codes.iter().map(|code| match indicia_data::country::name_of(code) {
        Some(name) => format!("{name} ({code})"),
        None => code.clone(),
    });
    list(named, "and")
}
