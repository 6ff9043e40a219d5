//! Sharing: packages by agreement, and the plan of them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use indicia_core::Time;
use indicia_exchange::ledger::Event;
use indicia_exchange::package::{AgreementName, Package};
use indicia_exchange::plan::{self, Notice, Plan, Records};
use indicia_exchange::sign::SecretKey;
use indicia_exchange::{Action, Agreement, Ledger};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::ledger_file::{LedgerFile, Output, commit};
use super::read::read_file;
use super::{At, ExchangeError, Result, hex};
use crate::write_atomically;

/// What is to be shared, under which agreements, and when.
#[derive(Debug)]
pub struct Share<'a> {
    /// The agreements. Of those with one id, the stricter of all that are in force counts.
    pub agreements: &'a [Agreement],
    /// The records, with what is known of countries.
    pub records: &'a Records,
    /// Signs the packages.
    pub key: &'a SecretKey,
    /// The time.
    pub now: Time,
}

/// What came of sharing under one agreement.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Shared {
    /// `id@version`.
    pub agreement: String,
    /// To whom.
    pub recipient: String,
    /// The folder; absent where nothing goes out, and in a plan.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub package: Option<PathBuf>,
    /// The package's number; 0 where there is none.
    pub counter: u64,
    /// SHA-256 of the manifest: its first 16 digits are read out over the telephone.
    pub manifest: String,
    /// Items that go out.
    pub released: u64,
    /// Notices about earlier items.
    pub notices: u64,
    /// Assertions that stay, by reason; one with two reasons counts for both.
    pub withheld: BTreeMap<&'static str, u64>,
    /// The same by rule.
    pub withheld_by_rule: BTreeMap<&'static str, u64>,
    /// What redaction took out, by class.
    pub removed: BTreeMap<String, u64>,
    /// Released values that hold withheld ones.
    pub carried: u64,
}

/// One agreement's plan, made.
struct Made<'a> {
    agreement: Agreement,
    newest: &'a Agreement,
    plan: Plan,
    package: Option<Package>,
    counter: u64,
}

impl Share<'_> {
    fn make(&self, ledger: &Ledger) -> Result<Vec<Made<'_>>> {
        let superseded: BTreeSet<&str> = self
            .agreements
            .iter()
            .filter(|a| a.is_in_force(self.now))
            .filter_map(|a| a.supersedes.as_deref())
            .collect();
        let mut by_id: BTreeMap<&str, Vec<&Agreement>> = BTreeMap::new();
        for agreement in self.agreements {
            if !superseded.contains(agreement.reference().as_str()) {
                by_id.entry(&agreement.id).or_default().push(agreement);
            }
        }
        let mut made = Vec::new();
        for (id, mut versions) in by_id {
            versions.sort_by_key(|a| std::cmp::Reverse(a.version));
            if versions.iter().any(|a| a.is_in_force(self.now)) {
                versions.retain(|a| a.is_in_force(self.now));
            } else {
                versions.truncate(1);
            }
            let Some((agreement, plan)) = plan::plan(self.records, &versions, ledger, self.now) else {
                continue;
            };
            let counter = ledger.counter(id) + 1;
            let package = if plan.items.is_empty() && plan.notices.is_empty() {
                None
            } else {
                let package = Package::of_plan(&plan, &agreement, counter, self.now);
                Some(package.map_err(|e| ExchangeError::Content(e.to_string()))?)
            };
            made.push(Made { agreement, newest: versions[0], plan, package, counter });
        }
        Ok(made)
    }

    fn shared(&self, made: &Made<'_>, folder: Option<PathBuf>) -> Shared {
        let mut withheld = BTreeMap::new();
        let mut withheld_by_rule = BTreeMap::new();
        for held in &made.plan.held {
            for reason in &held.reasons {
                *withheld.entry(reason.code()).or_default() += 1;
            }
            for rule in held.reasons.iter().map(|r| r.rule()).collect::<BTreeSet<_>>() {
                *withheld_by_rule.entry(rule).or_default() += 1;
            }
        }
        Shared {
            agreement: made.newest.reference(),
            recipient: made.agreement.recipient.party.id.clone(),
            package: folder,
            counter: made.package.as_ref().map_or(0, |_| made.counter),
            manifest: made.package.as_ref().map(Package::digest).unwrap_or_default(),
            released: made.plan.items.len() as u64,
            notices: made.plan.notices.len() as u64,
            withheld,
            withheld_by_rule,
            removed: made.plan.removed().into_iter().map(|(class, n)| (class.to_string(), n)).collect(),
            carried: made.plan.carried.len() as u64,
        }
    }

    /// Makes the packages below a folder, and writes the ledger.
    ///
    /// # Errors
    /// Whatever it is, neither folder nor ledger changed.
    pub fn run(&self, ledger: Option<&Path>, out: &Path) -> Result<Vec<Shared>> {
        self.run_as(ledger, out, None)
    }

    /// As [`Share::run`], but only where it makes exactly what a plan says.
    ///
    /// # Errors
    /// [`ExchangeError::Changed`] names what is not as planned.
    pub fn run_plan(&self, ledger: Option<&Path>, out: &Path, plan: &PlanFile) -> Result<Vec<Shared>> {
        self.run_as(ledger, out, Some(plan))
    }

    fn run_as(&self, ledger: Option<&Path>, out: &Path, plan: Option<&PlanFile>) -> Result<Vec<Shared>> {
        let mut file = ledger.map(|path| LedgerFile::open(path, Some(self.key), self.now)).transpose()?;
        let none = self.no_ledger();
        let view = file.as_ref().map_or(&none, |file| &file.ledger);
        let made = self.make(view)?;
        if let Some(plan) = plan {
            let now = self.plan_file(&made, view);
            let changed = plan.differences(&now);
            if !changed.is_empty() {
                return Err(ExchangeError::Changed(changed));
            }
        }
        let mut outputs = Vec::new();
        let mut all = Vec::new();
        for made in made {
            let reference = &made.newest.reference();
            let folder = out.join(format!("{}-v{}", made.newest.id, made.newest.version));
            let shared = self.shared(&made, made.package.as_ref().map(|_| folder.clone()));
            if let Some(file) = &mut file {
                self.note(&mut file.ledger, &made, &shared, reference);
            }
            if let Some(package) = made.package {
                let fail = |error| ExchangeError::Key { path: folder.clone(), error };
                outputs.push(Output { files: package.sign(self.key).map_err(fail)?, folder: folder.clone() });
            }
            all.push(shared);
        }
        commit(file, outputs)?;
        Ok(all)
    }

    fn no_ledger(&self) -> Ledger {
        Ledger::none(self.agreements.first().map_or("", |a| &a.provider.id))
    }

    fn note(&self, ledger: &mut Ledger, made: &Made<'_>, shared: &Shared, reference: &str) {
        let recipient = &shared.recipient;
        let (agreement, now) = (&made.agreement, self.now);
        for held in &made.plan.held {
            let target = &self.records.all()[held.record].target.observable;
            let event = Event::Withhold {
                agreement: reference.to_string(),
                recipient: recipient.clone(),
                value: ledger.keyed_value(target.kind(), target.key()),
                reasons: held.reasons.iter().map(|r| r.code().to_string()).collect(),
            };
            ledger.push(now, event);
        }
        for (item, (giver, source_id)) in made.plan.items.iter().zip(&made.plan.givers) {
            let line = serde_json::to_vec(&item.record).unwrap_or_default();
            let event = Event::Share {
                agreement: reference.to_string(),
                recipient: recipient.clone(),
                item: item.id.clone(),
                projection: hex(&Sha256::digest(&line)),
                role: item.record.contexts.first().and_then(|c| c.role),
                giver: giver.clone(),
                source_id: source_id.clone(),
                delete_by: item.delete_by,
                notify: item.action == Action::Notify,
            };
            ledger.push(now, event);
        }
        for notice in &made.plan.notices {
            ledger.push(now, revoked(reference, recipient, notice));
        }
        if made.package.is_some() {
            let event = Event::Package {
                agreement: reference.to_string(),
                agreement_sha256: agreement.sha256.clone(),
                provider: agreement.provider.id.clone(),
                recipient: recipient.clone(),
                counter: made.counter,
                manifest: shared.manifest.clone(),
                released: shared.released,
                withheld: shared.withheld.iter().map(|(code, n)| (code.to_string(), *n)).collect(),
            };
            ledger.push(now, event);
        }
    }

    /// Says what would go out, what not, and why; writes nothing but a ledger that is not there yet: not even that.
    ///
    /// # Errors
    /// Those of reading the ledger.
    pub fn dry_run(&self, ledger: Option<&Path>) -> Result<(PlanFile, Vec<Shared>)> {
        let file = match ledger {
            Some(path) if path.exists() => Some(LedgerFile::open(path, Some(self.key), self.now)?),
            _ => None,
        };
        let fresh = match ledger {
            Some(_) => Ledger::new(&self.key.derive("ledger"), self.now),
            None => self.no_ledger(),
        };
        let view = file.as_ref().map_or(&fresh, |file| &file.ledger);
        let made = self.make(view)?;
        let plan = self.plan_file(&made, view);
        Ok((plan, made.iter().map(|made| self.shared(made, None)).collect()))
    }

    fn plan_file(&self, made: &[Made<'_>], ledger: &Ledger) -> PlanFile {
        let records = self.records.all();
        let value = |record: usize| {
            let target = &records[record].target;
            (target.observable.kind().name().to_string(), target.value().into_owned())
        };
        let mut digest = Sha256::new();
        for record in records {
            digest.update(serde_json::to_vec(record).unwrap_or_default());
            digest.update(b"\n");
        }
        let each = |made: &Made<'_>| PlannedPackage {
            agreement: AgreementName {
                id: made.newest.id.clone(),
                version: made.newest.version,
                sha256: made.newest.sha256.clone(),
            },
            recipient: made.agreement.recipient.party.id.clone(),
            counter: made.package.as_ref().map_or(0, |_| made.counter),
            manifest: made.package.as_ref().map(Package::digest).unwrap_or_default(),
            released: made.plan.items.len() as u64,
            withheld: made
                .plan
                .held_by_reason()
                .into_iter()
                .map(|(r, n)| (r.code().to_string(), n))
                .collect(),
            items: made
                .plan
                .items
                .iter()
                .map(|item| PlannedItem {
                    item: item.id.clone(),
                    kind: item.record.target.observable.kind().name().to_string(),
                    value: item.record.target.value().into_owned(),
                    action: item.action.name().to_string(),
                    removed: item.removed.iter().map(|(class, n)| (class.to_string(), *n)).collect(),
                })
                .collect(),
            held: made
                .plan
                .held
                .iter()
                .map(|held| {
                    let (kind, value) = value(held.record);
                    let context = &records[held.record].contexts[held.context];
                    let reasons = held.reasons.iter().map(|r| r.code().to_string()).collect();
                    PlannedHeld {
                        kind,
                        value,
                        producer: context.producer.clone(),
                        feed: context.feed.clone(),
                        reasons,
                    }
                })
                .collect(),
            carried: made.plan.carried.iter().map(|c| (c.item.clone(), value(c.record).1)).collect(),
        };
        PlanFile {
            schema: PLAN_SCHEMA.to_string(),
            as_of: self.now,
            ledger: ledger.head().to_string(),
            records: hex(&digest.finalize()),
            packages: made.iter().map(each).collect(),
        }
    }
}

pub(super) fn revoked(reference: &str, recipient: &str, notice: &Notice) -> Event {
    Event::Revoke {
        agreement: reference.to_string(),
        recipient: recipient.to_string(),
        item: notice.item.clone(),
        reason: notice.reason.clone(),
    }
}

const PLAN_SCHEMA: &str = "indicia-plan/1";

/// What a dry run writes: what would go out, what not, and why. It holds withheld values: it is for the provider.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct PlanFile {
    schema: String,
    /// The time of the plan.
    pub as_of: Time,
    /// The hash of the ledger's last line.
    pub ledger: String,
    /// SHA-256 of the records.
    pub records: String,
    /// By agreement.
    pub packages: Vec<PlannedPackage>,
}

/// One package of a plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct PlannedPackage {
    /// Under which text.
    pub agreement: AgreementName,
    /// To whom.
    pub recipient: String,
    /// Its number; 0 where nothing goes out.
    pub counter: u64,
    /// SHA-256 of its manifest.
    pub manifest: String,
    /// How many items.
    pub released: u64,
    /// How many assertions stay, by reason.
    pub withheld: BTreeMap<String, u64>,
    /// The items.
    pub items: Vec<PlannedItem>,
    /// The assertions that stay.
    pub held: Vec<PlannedHeld>,
    /// Released items whose value holds a withheld one, and that one.
    pub carried: Vec<(String, String)>,
}

/// An item of a plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct PlannedItem {
    /// Its id.
    pub item: String,
    /// Its kind.
    pub kind: String,
    /// Its value.
    pub value: String,
    /// What the recipient is asked to do.
    pub action: String,
    /// What redaction takes out.
    pub removed: BTreeMap<String, u64>,
}

/// An assertion that stays.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct PlannedHeld {
    /// Its kind.
    pub kind: String,
    /// Its value.
    pub value: String,
    /// Who made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub producer: Option<String>,
    /// The feed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub feed: Option<String>,
    /// Why.
    pub reasons: Vec<String>,
}

impl PlanFile {
    /// Reads a plan.
    ///
    /// # Errors
    /// [`ExchangeError::Io`], [`ExchangeError::NotAPlan`].
    pub fn read(path: &Path) -> Result<PlanFile> {
        let bytes = read_file(path, 4 << 30)?;
        let plan: Option<PlanFile> = serde_json::from_slice(&bytes).ok();
        plan.filter(|p| p.schema == PLAN_SCHEMA).ok_or_else(|| ExchangeError::NotAPlan(path.to_path_buf()))
    }

    /// Writes it.
    ///
    /// # Errors
    /// [`ExchangeError::Io`].
    pub fn write(&self, path: &Path) -> Result<()> {
        write_atomically(path, |out| {
            serde_json::to_writer_pretty(&mut *out, self)?;
            out.write_all(b"\n")
        })
        .at(path)
    }

    /// What is other now.
    fn differences(&self, now: &PlanFile) -> Vec<String> {
        let mut all = Vec::new();
        if self.as_of != now.as_of {
            all.push(format!("the time: planned for {}, now {}", self.as_of, now.as_of));
        }
        if self.records != now.records {
            all.push("the records of the feeds".to_string());
        }
        if self.ledger != now.ledger {
            all.push("the ledger, which has gone on since".to_string());
        }
        for planned in &self.packages {
            let name = format!("{}@{}", planned.agreement.id, planned.agreement.version);
            match now.packages.iter().find(|p| p.agreement.id == planned.agreement.id) {
                None => all.push(format!("agreement {name} is not there")),
                Some(p) if p.agreement != planned.agreement => {
                    all.push(format!("the text of agreement {name}"))
                }
                Some(p) if p.counter != planned.counter => {
                    all.push(format!("the number of the package of {name}"))
                }
                Some(p) if p.manifest != planned.manifest => all.push(format!("the package of {name}")),
                // The package would be the same, but somebody may have decided by what the plan says of it.
                Some(p) if p != planned => all.push(format!("what the plan says of {name}")),
                Some(_) => {}
            }
        }
        for p in &now.packages {
            if !self.packages.iter().any(|planned| planned.agreement.id == p.agreement.id) {
                all.push(format!("agreement {}@{} was not planned", p.agreement.id, p.agreement.version));
            }
        }
        if all.is_empty() && self != now {
            all.push("the plan itself".to_string());
        }
        all
    }
}
