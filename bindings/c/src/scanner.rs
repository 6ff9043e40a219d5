//! Scanners: a set, options and memory that is used again.

use std::ffi::c_void;
use std::ops::ControlFlow;
use std::sync::Arc;

use indicia::{Hit, HitView, IndicatorSet, Reason, ScanOptions, Scratch, Stream, Warninglist};

use crate::boundary::{Done, Fail, Handle, answer, array, bytes, out, shared, status};
use crate::hit::{Kept, Lists, indicia_hit, indicia_on_hit};
use crate::live::{Live, indicia_live};
use crate::options::{indicia_scan_options, scan_options};
use crate::set::{CoreSet, indicia_set, share};
use crate::status::indicia_status;
use crate::value::indicia_str;

/// A set together with options and memory to work in. Make one for each thread: two calls at once on the same
/// scanner give INDICIA_INVALID_ARGUMENT.
pub struct indicia_scanner(pub(crate) Handle<Scanner>);

/// Makes a scanner for a set, with default options. It holds a reference to the set. Free it with
/// indicia_scanner_free.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn indicia_scanner_new(
    set: *mut indicia_set,
    scanner: *mut *mut indicia_scanner,
) -> indicia_status {
    status(|| {
        // SAFETY: the caller's promise.
        let (set, out) = unsafe { (share(set)?, out(scanner, "scanner")?) };
        out.write(give(Scanner::new(set, None)));
        Ok(())
    })
}

/// Makes a scanner that uses the current set of a live: from its next call on, the one that
/// indicia_live_replace put there. Its hits' indicators live until the scanner's next call, unless the caller
/// holds a reference to their set.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn indicia_scanner_new_live(
    live: *mut indicia_live,
    scanner: *mut *mut indicia_scanner,
) -> indicia_status {
    status(|| {
        // SAFETY: the caller's promise.
        let (live, out) = unsafe { (shared(live, "live")?, out(scanner, "scanner")?) };
        out.write(give(Scanner::new(live.0.current(), Some(live.0.clone()))));
        Ok(())
    })
}

/// Frees a scanner; streams of it go on. Not from a callback of its own. NULL is allowed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn indicia_scanner_free(scanner: *mut indicia_scanner) {
    answer((), || {
        if !scanner.is_null() {
            // SAFETY: a scanner comes from `give`, and this reference is the caller's.
            unsafe { Arc::decrement_strong_count(scanner.cast_const()) }
        }
    })
}

/// Replaces the scanner's options; its warninglists stay. On an error the old options stay.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn indicia_scanner_set_options(
    scanner: *mut indicia_scanner,
    options: *const indicia_scan_options,
) -> indicia_status {
    status(|| {
        // SAFETY: the caller's promise.
        let (scanner, mut options) = unsafe { (shared(scanner, "scanner")?, scan_options(options)?) };
        let mut scanner = scanner.0.enter()?;
        options.guards.lists = std::mem::take(&mut scanner.options.guards.lists);
        scanner.options = options;
        Ok(())
    })
}

/// Adds a list of values that are known to cause false hits: json is the text of a MISP warninglist. Hits on it
/// carry the guard "warninglist".
#[unsafe(no_mangle)]
pub unsafe extern "C" fn indicia_scanner_add_warninglist(
    scanner: *mut indicia_scanner,
    json: indicia_str,
) -> indicia_status {
    status(|| {
        // SAFETY: the caller's promise.
        let (scanner, json) = unsafe { (shared(scanner, "scanner")?, bytes(json, "json")?) };
        let list = Warninglist::from_json(json).map_err(|e| Fail::new(Reason::BadDocument, e.to_string()))?;
        scanner.0.enter()?.options.guards.lists.push(list);
        Ok(())
    })
}

/// Calls on_hit for every hit in data (any bytes), by place. INDICIA_STOPPED where the callback returned false.
/// user is handed to the callback as it is.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn indicia_scanner_scan(
    scanner: *mut indicia_scanner,
    data: indicia_str,
    on_hit: indicia_on_hit,
    user: *mut c_void,
) -> indicia_status {
    status(|| {
        // SAFETY: the caller's promise.
        let (scanner, data) = unsafe { (shared(scanner, "scanner")?, bytes(data, "data")?) };
        // SAFETY: the caller's promise.
        let on_hit = unsafe { OnHit::new(on_hit, user) }?;
        let mut scanner = scanner.0.enter()?;
        scanner.refresh()?;
        scanner.scan(data, &on_hit)
    })
}

/// A callback and what it is called with.
pub(crate) struct OnHit {
    call: unsafe extern "C" fn(*const indicia_hit, *mut c_void) -> bool,
    user: *mut c_void,
}

impl OnHit {
    /// # Safety
    /// Not null: a function that can be called with `user` and returns.
    pub(crate) unsafe fn new(call: indicia_on_hit, user: *mut c_void) -> Result<OnHit, Fail> {
        let Some(call) = call else { return Err(Fail::argument("on_hit is null")) };
        Ok(OnHit { call, user })
    }

    fn call(&self, hit: &indicia_hit) -> bool {
        // SAFETY: `new` was promised a function of this type that returns.
        unsafe { (self.call)(hit, self.user) }
    }
}

/// What a scanner is made of.
pub(crate) struct Scanner {
    set: Arc<indicia_set>,
    live: Option<Arc<Live>>,
    options: ScanOptions,
    scratch: Scratch,
    lists: Lists,
    kept: Vec<Kept>,
}

impl Scanner {
    fn new(set: Arc<indicia_set>, live: Option<Arc<Live>>) -> Scanner {
        Scanner {
            set,
            live,
            options: ScanOptions::default(),
            scratch: Scratch::default(),
            lists: Lists::default(),
            kept: Vec::new(),
        }
    }

    /// Begins a call: takes the current set of a live, and lets go of what the last call gave out.
    pub(crate) fn refresh(&mut self) -> Done {
        self.kept.clear();
        if let Some(live) = &self.live {
            live.update(&mut self.set);
        }
        self.set.check()
    }

    /// Reports the hits in data.
    pub(crate) fn scan(&mut self, data: &[u8], on_hit: &OnHit) -> Done {
        self.report(on_hit, |set, options, scratch, each| set.scan_with(data, options, scratch, each))
    }

    /// Reports the hits of a stream that are certain with its next piece.
    pub(crate) fn feed(&mut self, stream: &mut Stream, data: &[u8], on_hit: &OnHit) -> Done {
        self.report(on_hit, |set, options, scratch, each| stream.feed(set, data, options, scratch, each))
    }

    /// Reports the hits of a stream that are left.
    pub(crate) fn finish(&mut self, stream: Stream, on_hit: &OnHit) -> Done {
        self.report(on_hit, |set, options, scratch, each| stream.finish(set, options, scratch, each))
    }

    fn report(
        &mut self,
        on_hit: &OnHit,
        scan: impl for<'s> FnOnce(
            &'s CoreSet,
            &ScanOptions,
            &mut Scratch,
            &mut dyn FnMut(&HitView<'s, '_>) -> ControlFlow<()>,
        ) -> ControlFlow<()>,
    ) -> Done {
        let Scanner { set, options, scratch, lists, .. } = self;
        let flow =
            scan(set.core(), options, scratch, &mut |view| match on_hit.call(&lists.view(set, view)) {
                true => ControlFlow::Continue(()),
                false => ControlFlow::Break(()),
            });
        match flow {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(Reason::Stopped.into()),
        }
    }

    /// Writes what a lookup finds to the caller's array.
    ///
    /// # Safety
    /// `hits`: room for `cap` hits, or null with `cap` 0. `n`: not null, a place for a size.
    pub(crate) unsafe fn look_up(
        &mut self,
        hits: *mut indicia_hit,
        cap: usize,
        n: *mut usize,
        find: impl for<'s> FnOnce(&'s CoreSet, &ScanOptions, &mut Scratch) -> Result<Vec<Hit<'s>>, Fail>,
    ) -> Done {
        // SAFETY: the caller's promise.
        let n = unsafe {
            array(hits.cast_const().cast::<std::mem::MaybeUninit<indicia_hit>>(), cap, "hits")?;
            out(n, "n")?
        };
        self.refresh()?;
        let found = find(self.set.core(), &self.options, &mut self.scratch)?;
        n.write(found.len());
        if found.len() > cap {
            return Err(Reason::TooSmall.into());
        }
        for (at, hit) in found.into_iter().enumerate() {
            let (relation, kind, indicator) = (hit.relation as u32, hit.kind.number().into(), hit.indicator);
            let kept = Kept::new(hit);
            // SAFETY: `at` is below `cap`.
            unsafe { hits.add(at).write(kept.hit(&self.set, relation, kind, indicator)) };
            self.kept.push(kept);
        }
        Ok(())
    }
}

fn give(scanner: Scanner) -> *mut indicia_scanner {
    Arc::into_raw(Arc::new(indicia_scanner(Handle::new(scanner)))).cast_mut()
}

/// A scanner moves between threads with everything in it.
const _: () = {
    const fn send<T: Send>() {}
    send::<Scanner>();
    send::<IndicatorSet>();
};
