//! Questions about one value.
//!
//! A text is looked up the scanner's way: as every kind that it can be, with its host and parents, by a [`Finder`]. Programs
//! that have an address or a name at hand ask a million times a second, and nearly always one indicator or none is the
//! answer. So where a set has no masks and no option asks for more, they are led straight to the records: names ask for
//! the memory of all their parents at once, a match is told as it was read, and only where there are several are they
//! noted down to be sorted. Both ways give the same hits in the same order.

use std::cmp::Reverse;
use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::ops::ControlFlow;

use super::finder::{Finder, Place};
use super::levels::Levels;
use super::{Hit, HitView, Part, Pending, Relation, ScanOptions, Scratch, tell};
use crate::guard::{Guard, Seen};
use crate::observable::{digest, domain, ip};
use crate::refang::Refang;
use crate::set::{Dotted, Keys, Spot, address_key};
use crate::{IndicatorRef, IndicatorSet, Kind, Match, Observable, ParseError, ParseOptions, Profile, Reason};

/// How many values are asked for at once.
const TOGETHER: usize = 32;
/// How many names and parents are; one name of 63 bytes has no more than a quarter of them.
const LEVELS: usize = 128;

impl IndicatorSet {
    /// All indicators that cover a value: the value itself, its host or domain, its parents and networks.
    ///
    /// With no kind, every kind whose grammar takes the value is looked up.
    ///
    /// # Errors
    /// When no grammar takes the value.
    pub fn lookup(
        &self,
        raw: &str,
        kind: Option<Kind>,
        options: &ScanOptions,
        scratch: &mut Scratch,
    ) -> Result<(Observable, Vec<Hit<'_>>), ParseError> {
        let profile = self.profile();
        let read = |kind| Observable::parse_with(raw, &ParseOptions { profile, kind, refang: Refang::Usual });
        let main = read(kind)?;
        let mut finder = Finder::new(self, options, scratch, &[], Place::Value);
        let mut find = |found: &Observable| {
            finder.observable(found);
            if found.kind() != Kind::Url {
                return;
            }
            if profile == Profile::Default {
                finder.parts_of_url(found.value());
            } else if let Ok(plain) = Observable::parse_refanged(Some(Kind::Url), raw, Refang::Usual) {
                // The profile may have dropped the port, or changed the host.
                finder.parts_of_url(plain.value());
            }
        };
        find(&main);
        if kind.is_none() {
            for kind in Kind::ALL {
                if *kind != main.kind()
                    && (self.has().kind(*kind) || kind.is_address_like())
                    // A network is no URL with a number for a path.
                    && !(*kind == Kind::Url && main.kind().is_address_like() && raw.contains('/'))
                    && let Ok(other) = read(Some(*kind))
                {
                    find(&other);
                }
            }
        }
        Ok((main, self.collect(options, scratch)))
    }

    /// All indicators that cover an address, or an endpoint where a port is given.
    pub fn lookup_address(
        &self,
        address: IpAddr,
        port: Option<u16>,
        options: &ScanOptions,
        scratch: &mut Scratch,
    ) -> Vec<Hit<'_>> {
        let mut hits = Vec::new();
        let _ = self.lookup_address_with(address, port, options, scratch, &mut |hit| {
            hits.push(hit.to_hit());
            ControlFlow::Continue(())
        });
        hits
    }

    /// As [`IndicatorSet::lookup_address`], with a callback; `Break` stops. After the first calls with a scratch nothing is
    /// allocated, where the set has no masks, no port is given or none is listed, and `options` has neither `url_hosts` nor
    /// `ignore_ports` nor lists of guards.
    ///
    /// ```
    /// use std::ops::ControlFlow;
    /// use indicia_core::{BuildOptions, Context, Indicator, Kind, Observable, ScanOptions, Scratch, SetBuilder, Target};
    /// let mut builder = SetBuilder::new(BuildOptions::default());
    /// let target = Target::new(Observable::parse_as(Kind::Ipv4, "192.0.2.7").unwrap());
    /// builder.push(Indicator::new(target, Context { feed: Some("a".into()), ..Context::default() }));
    /// let (set, options, mut scratch) = (builder.finish(), ScanOptions::default(), Scratch::default());
    /// let mut feeds = 0;
    /// let address = "192.0.2.7".parse().unwrap();
    /// let _ = set.lookup_address_with(address, None, &options, &mut scratch, &mut |hit| {
    ///     feeds += hit.contexts().filter(|context| context.feed.is_some()).count();
    ///     ControlFlow::Continue(())
    /// });
    /// assert_eq!(feeds, 1);
    /// ```
    pub fn lookup_address_with<'s>(
        &'s self,
        address: IpAddr,
        port: Option<u16>,
        options: &ScanOptions,
        scratch: &mut Scratch,
        on_hit: &mut dyn FnMut(&HitView<'s, '_>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let port = port.filter(|_| self.has().endpoints);
        if port.is_some() || !self.is_straight(options) {
            let mut finder = Finder::new(self, options, scratch, &[], Place::Value);
            finder.address(address, 0, 0);
            if let Some(port) = port {
                finder.endpoint(&SocketAddr::new(address, port).to_string(), 0, 0);
            }
            return self.report(&Part::whole(&[]), 0, options, scratch, on_hit);
        }
        if let IpAddr::V4(address) = address {
            let networks = self.v4_networks();
            let run = networks.run(address.to_bits().into());
            let number = self.addresses().and_then(|listed| listed.find(address, listed.run(address)));
            let block = networks.innermost(address.to_bits().into(), run).unwrap_or(0);
            return self.tell_v4(address, (number, None), block, options, scratch, on_hit);
        }
        let Scratch { pending, guards, key, name, .. } = scratch;
        let mut matches = Matches::new(pending);
        self.covering(address, |found| matches.push(found, Relation::Network));
        address_key(address, key);
        self.equal_address(address, key, |found| matches.push(found, Relation::Exact));
        let value = if ip::unmapped(address) == address {
            key
        } else {
            // A mapped address is written otherwise than its key.
            name.clear();
            let _ = write!(name, "{address}");
            name
        };
        let seen = Seen { kind: Kind::Ipv6, value, address: Some(address), dots: 0, field: None, via: None };
        matches.tell(self, &seen, options, guards, on_hit)
    }

    /// What covers an IPv4 address: its record, if there is one, and the networks of the innermost block that holds it.
    #[inline(always)]
    fn tell_v4<'s>(
        &'s self,
        address: Ipv4Addr,
        (number, spot): (Option<u32>, Option<Spot>),
        block: u32,
        options: &ScanOptions,
        scratch: &mut Scratch,
        on_hit: &mut (impl FnMut(&HitView<'s, '_>) -> ControlFlow<()> + ?Sized),
    ) -> ControlFlow<()> {
        if number.is_none() && block == 0 {
            return ControlFlow::Continue(());
        }
        let Scratch { pending, guards, .. } = scratch;
        let mut matches = Matches::new(pending);
        let written = Dotted::of(address);
        let key = written.as_str();
        self.covering_block(block, address, |found| matches.push(found, Relation::Network));
        if let (Some(number), Some(addresses)) = (number, self.addresses()) {
            let spot = spot.or_else(|| addresses.spot(number));
            addresses.equal(number, spot, key, |found| matches.push(found, Relation::Exact));
        }
        let seen = Seen {
            kind: Kind::Ipv4,
            value: key,
            address: Some(address.into()),
            dots: 0,
            field: None,
            via: None,
        };
        matches.tell(self, &seen, options, guards, on_hit)
    }

    /// All indicators that cover a name in presentation form.
    ///
    /// # Errors
    /// When it is not a name.
    pub fn lookup_name(
        &self,
        name: &str,
        options: &ScanOptions,
        scratch: &mut Scratch,
    ) -> Result<Vec<Hit<'_>>, ParseError> {
        let mut hits = Vec::new();
        let _ = self.lookup_name_with(name, options, scratch, &mut |hit| {
            hits.push(hit.to_hit());
            ControlFlow::Continue(())
        })?;
        Ok(hits)
    }

    /// As [`IndicatorSet::lookup_name`], with a callback; `Break` stops. Nothing is allocated after the first calls with a
    /// scratch where the name is ASCII of 63 bytes at most without A-labels, and as
    /// [`IndicatorSet::lookup_address_with`] says.
    ///
    /// # Errors
    /// When it is not a name.
    pub fn lookup_name_with<'s>(
        &'s self,
        name: &str,
        options: &ScanOptions,
        scratch: &mut Scratch,
        on_hit: &mut dyn FnMut(&HitView<'s, '_>) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, ParseError> {
        let plain = name.strip_suffix('.').unwrap_or(name);
        if self.is_straight(options) {
            let mut buffer = std::mem::take(&mut scratch.name);
            let told = domain::dots_at_a_glance(plain, &mut buffer).map(|(name, dots)| {
                let Some(keys) = self.keys(Kind::Domain) else { return ControlFlow::Continue(()) };
                let mut levels = std::mem::take(&mut scratch.levels);
                levels.clear();
                levels.ask(&keys, name.as_bytes(), 0, dots);
                levels.go(&keys);
                let told = self.tell_name(&keys, name, 0, dots, &mut levels, options, scratch, on_hit);
                scratch.levels = levels;
                told
            });
            scratch.name = buffer;
            if let Some(told) = told {
                return Ok(told);
            }
        }
        let how = ParseOptions { profile: self.profile(), kind: Some(Kind::Domain), refang: Refang::Usual };
        let name = Observable::parse_with(name, &how)?;
        Finder::new(self, options, scratch, &[], Place::Value).observable(&name);
        Ok(self.report(&Part::whole(&[]), 0, options, scratch, on_hit))
    }

    /// As [`IndicatorSet::lookup_address_with`] for one address after the other, with the place of each in `addresses`; `Break`
    /// stops. A lookup mostly waits for memory: here that of several is asked for at once, which takes half the time.
    pub fn lookup_addresses_with<'s>(
        &'s self,
        addresses: &[IpAddr],
        options: &ScanOptions,
        scratch: &mut Scratch,
        on_hit: &mut dyn FnMut(usize, &HitView<'s, '_>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        if !self.is_straight(options) {
            for (at, address) in addresses.iter().enumerate() {
                self.lookup_address_with(*address, None, options, scratch, &mut |hit| on_hit(at, hit))?;
            }
            return ControlFlow::Continue(());
        }
        let (listed, networks) = (self.addresses(), self.v4_networks());
        for (chunk, first) in addresses.chunks(TOGETHER).zip((0..).step_by(TOGETHER)) {
            // Each step reads what the one before asked for.
            let mut several = [Ipv4Addr::UNSPECIFIED; TOGETHER];
            let mut count = 0;
            for address in chunk {
                if let IpAddr::V4(address) = address {
                    listed.inspect(|listed| listed.ask(*address));
                    networks.prefetch_table(address.to_bits());
                    several[count] = *address;
                    count += 1;
                }
            }
            let mut runs = [((0, 0), (0, 0)); TOGETHER];
            for (address, runs) in several[..count].iter().zip(&mut runs) {
                let run = listed.map_or((0, 0), |listed| listed.run(*address));
                *runs = (run, networks.run(address.to_bits().into()));
            }
            let mut found = [((None, None), 0); TOGETHER];
            for ((address, (run, of_networks)), found) in several[..count].iter().zip(runs).zip(&mut found) {
                let number = listed.and_then(|listed| listed.find(*address, run));
                let block = networks.innermost(address.to_bits().into(), of_networks);
                *found = ((number, None), block.unwrap_or(0));
            }
            if let Some(listed) = listed {
                for ((number, spot), _) in &mut found[..count] {
                    *spot = number.and_then(|number| listed.spot(number));
                }
            }
            let mut found = found.iter();
            for (address, at) in chunk.iter().zip(first..) {
                let mut on_hit = |hit: &HitView<'s, '_>| on_hit(at, hit);
                match address {
                    IpAddr::V4(address) => {
                        let (found, block) = *found.next().unwrap_or(&((None, None), 0));
                        self.tell_v4(*address, found, block, options, scratch, &mut on_hit)?;
                    }
                    IpAddr::V6(_) => {
                        self.lookup_address_with(*address, None, options, scratch, &mut on_hit)?
                    }
                }
            }
        }
        ControlFlow::Continue(())
    }

    /// As [`IndicatorSet::lookup_name_with`] for one name after the other, with the place of each in `names` and the reason
    /// where it is none; `Break` stops. See [`IndicatorSet::lookup_addresses_with`].
    ///
    /// ```
    /// use std::ops::ControlFlow;
    /// use indicia_core::{BuildOptions, Context, Indicator, Kind, Observable, ScanOptions, Scratch, SetBuilder, Target};
    /// let mut builder = SetBuilder::new(BuildOptions::default());
    /// let target = Target::new(Observable::parse_as(Kind::Domain, "bad.example").unwrap());
    /// builder.push(Indicator::new(target, Context::default()));
    /// let (set, options, mut scratch) = (builder.finish(), ScanOptions::default(), Scratch::default());
    /// let (mut found, mut refused) = (Vec::new(), Vec::new());
    /// let names = ["good.example", "Bad.example.", "no name"];
    /// let _ = set.lookup_names_with(&names, &options, &mut scratch, &mut |at, hit| {
    ///     if hit.is_ok() { found.push(at) } else { refused.push(at) }
    ///     ControlFlow::Continue(())
    /// });
    /// assert_eq!((found, refused), (vec![1], vec![2]));
    /// ```
    #[expect(clippy::type_complexity, reason = "a name for the callback would hide what it gets")]
    pub fn lookup_names_with<'s>(
        &'s self,
        names: &[&str],
        options: &ScanOptions,
        scratch: &mut Scratch,
        on_hit: &mut dyn FnMut(usize, Result<&HitView<'s, '_>, ParseError>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let keys = if self.is_straight(options) { self.keys(Kind::Domain) } else { None };
        let mut levels = std::mem::take(&mut scratch.levels);
        let mut told = ControlFlow::Continue(());
        let mut first = 0;
        while first < names.len() && told.is_continue() {
            levels.clear();
            // The dots of each name that is looked up with the others.
            let mut all_dots = [0; TOGETHER];
            let mut chunk = &names[first..names.len().min(first + TOGETHER)];
            if let Some(keys) = &keys {
                let mut count = 0;
                for (name, dots) in chunk.iter().zip(&mut all_dots) {
                    if levels.len() > LEVELS - LEVELS / 4 {
                        break;
                    }
                    if let Some((name, of_name)) = domain::as_it_is(name.strip_suffix('.').unwrap_or(name)) {
                        levels.ask(keys, name.as_bytes(), count, of_name);
                        *dots = of_name;
                    }
                    count += 1;
                }
                chunk = &chunk[..count.into()];
                levels.go(keys);
            }
            for ((name, dots), of) in chunk.iter().zip(all_dots).zip(0..) {
                let at = first + usize::from(of);
                let mut on_name = |hit: &HitView<'s, '_>| on_hit(at, Ok(hit));
                told = if let Some(keys) = &keys
                    && dots != 0
                {
                    let name = name.strip_suffix('.').unwrap_or(name);
                    self.tell_name(keys, name, of, dots, &mut levels, options, scratch, &mut on_name)
                } else {
                    let done = self.lookup_name_with(name, options, scratch, &mut on_name);
                    done.unwrap_or_else(|error| on_hit(at, Err(error)))
                };
                if told.is_break() {
                    break;
                }
            }
            first += chunk.len();
        }
        scratch.levels = levels;
        told
    }

    /// What covers a canonical name whose levels have gone as far as to their records.
    #[inline(always)]
    #[expect(clippy::too_many_arguments, reason = "all that makes a hit, for two callers")]
    fn tell_name<'s>(
        &'s self,
        keys: &Keys<'s>,
        name: &str,
        of: u8,
        dots: u64,
        levels: &mut Levels,
        options: &ScanOptions,
        Scratch { pending, guards, .. }: &mut Scratch,
        on_hit: &mut (impl FnMut(&HitView<'s, '_>) -> ControlFlow<()> + ?Sized),
    ) -> ControlFlow<()> {
        let mut matches = Matches::new(pending);
        while let Some(level) = levels.next_of(of) {
            let start = usize::from(level.start);
            keys.equal(
                level.hash,
                level.number,
                level.spot,
                name.get(start..).unwrap_or_default(),
                |found| {
                    if start > 0 && found.match_() == Match::Subdomains {
                        matches.push(found, Relation::Subdomain);
                    } else if start == 0 && found.covers_itself() {
                        matches.push(found, Relation::Exact);
                    }
                },
            );
        }
        let seen = Seen { kind: Kind::Domain, value: name, address: None, dots, field: None, via: None };
        matches.tell(self, &seen, options, guards, on_hit)
    }

    /// All indicators of a digest given as bytes.
    ///
    /// # Errors
    /// When the kind has no digest of this length.
    pub fn lookup_digest(
        &self,
        kind: Kind,
        bytes: &[u8],
        options: &ScanOptions,
        scratch: &mut Scratch,
    ) -> Result<Vec<Hit<'_>>, ParseError> {
        if digest::hex_digits(kind) != Some(bytes.len() * 2) {
            return Err(ParseError { kind: Some(kind), reason: Reason::DigestLength });
        }
        let hex: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
        Finder::new(self, options, scratch, &[], Place::Value).key(kind, &hex, &hex, 0, 0);
        Ok(self.collect(options, scratch))
    }

    /// Whether nothing covers an address or a name but what is equal or above.
    fn is_straight(&self, options: &ScanOptions) -> bool {
        !self.has_masks() && !options.url_hosts && !options.ignore_ports
    }

    fn collect<'s>(&'s self, options: &ScanOptions, scratch: &mut Scratch) -> Vec<Hit<'s>> {
        let mut hits = Vec::new();
        let _ = self.report(&Part::whole(&[]), 0, options, scratch, &mut |hit| {
            hits.push(hit.to_hit());
            ControlFlow::Continue(())
        });
        hits
    }
}

/// What covers a value: one indicator as it was read, or the numbers of several.
struct Matches<'s, 'p> {
    first: Option<(IndicatorRef<'s>, Relation)>,
    several: &'p mut Vec<Pending>,
}

impl<'s, 'p> Matches<'s, 'p> {
    fn new(several: &'p mut Vec<Pending>) -> Matches<'s, 'p> {
        several.clear();
        Matches { first: None, several }
    }

    #[inline(always)]
    fn push(&mut self, found: IndicatorRef<'s>, relation: Relation) {
        let Some((first, of_first)) = self.first else {
            self.first = Some((found, relation));
            return;
        };
        let pending = |indicator: IndicatorRef<'_>, relation| Pending {
            start: 0,
            end: Reverse(0),
            entry: indicator.index(),
            relation,
            kind: indicator.kind(),
            value: (0, 0),
            field: 0,
            entities: false,
        };
        if self.several.is_empty() {
            self.several.push(pending(first, of_first));
        }
        self.several.push(pending(found, relation));
    }

    /// Reports each indicator once, in the set's order.
    #[inline]
    fn tell(
        self,
        set: &'s IndicatorSet,
        seen: &Seen<'_>,
        options: &ScanOptions,
        guards: &mut Vec<Guard>,
        on_hit: &mut (impl FnMut(&HitView<'s, '_>) -> ControlFlow<()> + ?Sized),
    ) -> ControlFlow<()> {
        let Matches { first, several } = self;
        if several.is_empty() {
            return match first {
                Some((found, relation)) => {
                    tell((0, 0), &[], seen, relation, found, None, options, guards, on_hit)
                }
                None => ControlFlow::Continue(()),
            };
        }
        several.sort_unstable();
        several.dedup_by_key(|found| found.entry);
        for found in several.drain(..) {
            if let Some(indicator) = set.get(found.entry) {
                tell((0, 0), &[], seen, found.relation, indicator, None, options, guards, on_hit)?;
            }
        }
        ControlFlow::Continue(())
    }
}
