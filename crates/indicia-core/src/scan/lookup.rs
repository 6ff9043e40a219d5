//! Questions about one value.
//!
//! A text is looked up the scanner's way: as every kind that it can be, with its host and parents, by a [`Finder`]. Programs
//! that have an address or a name at hand ask a million times a second, and nearly always one indicator or none is the
//! answer. So where a set has no masks and no option asks for more, they are led straight to the records: names ask for
//! the memory of all their parents at once, a match is told as it was read, and only where there are several are they
//! noted down to be sorted. Both ways give the same hits in the same order.

use std::cmp::Reverse;
use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr};
use std::ops::ControlFlow;

use super::finder::{Finder, Place};
use super::{Hit, HitView, Part, Pending, Relation, ScanOptions, Scratch, tell};
use crate::guard::{Guard, Seen};
use crate::observable::{digest, domain, ip};
use crate::refang::Refang;
use crate::set::address_key;
use crate::{IndicatorRef, IndicatorSet, Kind, Match, Observable, ParseError, ParseOptions, Profile, Reason};

/// How many parents of a name are asked for at once.
const AT_ONCE: usize = 4;
/// How many values are.
const TOGETHER: usize = 16;

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
        let Scratch { pending, guards, key, name, .. } = scratch;
        let mut matches = Matches::new(pending);
        // What is read of a hit comes from far; the rest is done until it is there.
        self.prefetch_address(address);
        self.covering(address, |found| matches.push(found, Relation::Network));
        address_key(address, key);
        self.equal_address(address, key, |found| matches.push(found, Relation::Exact));
        let kind = if address.is_ipv4() { Kind::Ipv4 } else { Kind::Ipv6 };
        let value = if ip::unmapped(address) == address {
            key
        } else {
            // A mapped address is written otherwise than its key.
            name.clear();
            let _ = write!(name, "{address}");
            name
        };
        matches.tell(self, &Seen { kind, value, address: Some(address) }, options, guards, on_hit)
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
        let Scratch { pending, guards, name: buffer, .. } = scratch;
        let plain = name.strip_suffix('.').unwrap_or(name);
        if self.is_straight(options)
            && let Some((name, dots)) = domain::dots_at_a_glance(plain, buffer)
        {
            let mut matches = Matches::new(pending);
            if self.has().names {
                self.find_name(name, dots, &mut matches);
            }
            let seen = Seen { kind: Kind::Domain, value: name, address: None };
            return Ok(matches.tell(self, &seen, options, guards, on_hit));
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
        for (chunk, first) in addresses.chunks(TOGETHER).zip((0..).step_by(TOGETHER)) {
            chunk.iter().for_each(|address| self.prefetch_address(*address));
            for (address, at) in chunk.iter().zip(first..) {
                self.lookup_address_with(*address, None, options, scratch, &mut |hit| on_hit(at, hit))?;
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
        for (chunk, first) in names.chunks(TOGETHER).zip((0..).step_by(TOGETHER)) {
            // Three reads lead to a record, each of what the one before says.
            let mut hashes = [None; 2 * TOGETHER];
            for (name, pair) in chunk.iter().zip(hashes.chunks_exact_mut(2)) {
                let plain = name.strip_suffix('.').unwrap_or(name);
                let Some((_, dots)) = domain::dots_at_a_glance(plain, &mut scratch.name) else { continue };
                let parent = dots.trailing_zeros() as usize + 1;
                let starts = [Some(0), Some(parent).filter(|_| dots & (dots - 1) != 0)];
                for (start, hash) in starts.into_iter().flatten().zip(pair) {
                    let of_start = self.hash(&plain[start..]);
                    self.prefetch_name(of_start);
                    *hash = Some(of_start);
                }
            }
            let guessed = hashes.map(|hash| self.guess_name(hash?));
            guessed.into_iter().flatten().for_each(|number| self.prefetch_guessed(number));
            for (name, at) in chunk.iter().zip(first..) {
                let done = self.lookup_name_with(name, options, scratch, &mut |hit| on_hit(at, Ok(hit)));
                done.unwrap_or_else(|error| on_hit(at, Err(error)))?;
            }
        }
        ControlFlow::Continue(())
    }

    /// A canonical name with a bit for each of its dots.
    #[inline]
    fn find_name<'s>(&'s self, name: &str, dots: u64, matches: &mut Matches<'s, '_>) {
        let (mut start, mut dots, mut levels) = (0, dots, [(0, 0); AT_ONCE]);
        // No name of one label is listed.
        while dots != 0 {
            let mut count = 0;
            while dots != 0 && count < AT_ONCE {
                let hash = self.hash(&name[start..]);
                self.prefetch_name(hash);
                levels[count] = (start, hash);
                count += 1;
                start = dots.trailing_zeros() as usize + 1;
                dots &= dots - 1;
            }
            for (start, hash) in &levels[..count] {
                let is_parent = *start > 0;
                self.equal_hash(Kind::Domain, *hash, &name[*start..], |found| {
                    if is_parent && found.match_() == Match::Subdomains {
                        matches.push(found, Relation::Subdomain);
                    } else if !is_parent && found.covers_itself() {
                        matches.push(found, Relation::Exact);
                    }
                });
            }
        }
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

    #[inline]
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
        on_hit: &mut dyn FnMut(&HitView<'s, '_>) -> ControlFlow<()>,
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
