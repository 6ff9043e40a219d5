//! Addresses of currencies. Each is taken only when its checksum holds (Solana has none).
//!
//! Base58check with version bytes, bech32 (BIP-173) and bech32m (BIP-350), CashAddr, EIP-55, CryptoNote. The
//! same payload can be valid for several chains; the version byte or prefix decides.

use sha3::{Digest, Keccak256};

use super::{Canonical, borrow_if_equal, lower};
use crate::{Kind, Reason};

/// Version bytes of base58check addresses by currency, main network only.
const VERSIONS: &[(Kind, &[&[u8]])] = &[
    (Kind::Bitcoin, &[&[0x00], &[0x05]]),
    (Kind::Litecoin, &[&[0x30], &[0x32], &[0x05]]),
    (Kind::Dogecoin, &[&[0x1e], &[0x16]]),
    (Kind::Dash, &[&[0x4c], &[0x10]]),
    (Kind::Zcash, &[&[0x1c, 0xb8], &[0x1c, 0xbd]]),
    (Kind::Tron, &[&[0x41]]),
    (Kind::Ripple, &[&[0x00]]),
    (Kind::BitcoinCash, &[&[0x00], &[0x05]]),
];

/// Human-readable parts of segregated-witness addresses.
const WITNESS: &[(Kind, &str)] = &[(Kind::Bitcoin, "bc"), (Kind::Litecoin, "ltc")];

pub(crate) fn parse(kind: Kind, text: &str) -> Result<Canonical<'_>, Reason> {
    if text.len() > 128 || !text.is_ascii() {
        return Err(Reason::WalletShape);
    }
    match kind {
        Kind::Ethereum => return ethereum(text),
        Kind::Monero => return monero(text),
        Kind::Solana => return solana(text),
        Kind::BitcoinCash if !text.starts_with(['1', '3']) => return cash_address(text),
        _ => {}
    }
    if let Some((_, hrp)) = WITNESS.iter().find(|(k, _)| *k == kind)
        && text.to_ascii_lowercase().starts_with(&format!("{hrp}1"))
    {
        return witness(kind, text);
    }
    if WITNESS.iter().any(|(k, hrp)| *k != kind && text.to_ascii_lowercase().starts_with(&format!("{hrp}1")))
    {
        return Err(Reason::WalletNetwork);
    }
    if text.to_ascii_lowercase().starts_with("tb1") || text.to_ascii_lowercase().starts_with("bcrt1") {
        return Err(Reason::WalletNetwork);
    }
    if kind == Kind::Zcash && text.starts_with("zs1") {
        let (hrp, data) = bech32::decode(text).map_err(|_| Reason::WalletChecksum)?;
        if hrp.as_str() != "zs" || data.len() != 43 {
            return Err(Reason::WalletShape);
        }
        return Ok(Canonical::same(kind, lower(text)));
    }
    base58check(kind, text)
}

fn base58check(kind: Kind, text: &str) -> Result<Canonical<'_>, Reason> {
    if !(25..=36).contains(&text.len()) {
        return Err(Reason::WalletShape);
    }
    let alphabet = if kind == Kind::Ripple { bs58::Alphabet::RIPPLE } else { bs58::Alphabet::BITCOIN };
    let payload =
        bs58::decode(text).with_alphabet(alphabet).with_check(None).into_vec().map_err(|e| match e {
            bs58::decode::Error::InvalidChecksum { .. } => Reason::WalletChecksum,
            _ => Reason::WalletShape,
        })?;
    let versions = VERSIONS.iter().find(|(k, _)| *k == kind).map_or(&[][..], |(_, v)| *v);
    let length = 20 + versions.first().map_or(1, |v| v.len());
    if payload.len() != length && !(kind == Kind::Bitcoin && payload.len() == 21) {
        return Err(if payload.len() == 21 || payload.len() == 22 {
            Reason::WalletNetwork
        } else {
            Reason::WalletShape
        });
    }
    if !versions.iter().any(|v| payload.starts_with(v)) {
        return Err(Reason::WalletNetwork);
    }
    Ok(Canonical::same(kind, text))
}

fn witness(kind: Kind, text: &str) -> Result<Canonical<'_>, Reason> {
    let mixed = text.bytes().any(|b| b.is_ascii_lowercase()) && text.bytes().any(|b| b.is_ascii_uppercase());
    if mixed {
        return Err(Reason::WalletShape);
    }
    if text.len() < 14 {
        return Err(Reason::WalletShape);
    }
    bech32::segwit::decode(text).map_err(|e| match e.0 {
        bech32::primitives::decode::SegwitHrpstringError::Checksum(_) => Reason::WalletChecksum,
        _ => Reason::WalletShape,
    })?;
    Ok(Canonical::same(kind, lower(text)))
}

/// EIP-55 in the value, lower case in the key. All-lower and all-upper spellings carry no checksum.
fn ethereum(text: &str) -> Result<Canonical<'_>, Reason> {
    let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")).ok_or(Reason::WalletShape)?;
    if digits.len() != 40 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(Reason::WalletShape);
    }
    let lower = digits.to_ascii_lowercase();
    let hash = Keccak256::digest(lower.as_bytes());
    let checked: String = lower
        .bytes()
        .enumerate()
        .map(|(i, b)| {
            let nibble = hash[i / 2] >> (4 * (1 - i % 2)) & 0xf;
            char::from(if nibble >= 8 { b.to_ascii_uppercase() } else { b })
        })
        .collect();
    let unmarked = digits == lower || digits == lower.to_ascii_uppercase();
    if !unmarked && digits != checked {
        return Err(Reason::WalletChecksum);
    }
    let value = borrow_if_equal(text, format!("0x{checked}"));
    Ok(Canonical::keyed(Kind::Ethereum, value, format!("0x{lower}")))
}

/// CryptoNote: blocks of 8 bytes in 11 base58 digits, Keccak checksum of 4 bytes; network bytes 18, 19, 42.
fn monero(text: &str) -> Result<Canonical<'_>, Reason> {
    const DIGITS: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
    if !matches!(text.len(), 95 | 106) {
        return Err(Reason::WalletShape);
    }
    let mut bytes = Vec::with_capacity(80);
    for block in text.as_bytes().chunks(11) {
        let size: usize = match block.len() {
            11 => 8,
            7 => 5,
            _ => return Err(Reason::WalletShape),
        };
        let mut number = 0u128;
        for b in block {
            let digit = DIGITS.iter().position(|d| d == b).ok_or(Reason::WalletShape)?;
            number = number * 58 + digit as u128;
        }
        if number >> (8 * size) != 0 {
            return Err(Reason::WalletShape);
        }
        bytes.extend_from_slice(&number.to_be_bytes()[16 - size..]);
    }
    let (payload, checksum) = bytes.split_at(bytes.len() - 4);
    if Keccak256::digest(payload)[..4] != *checksum {
        return Err(Reason::WalletChecksum);
    }
    // Addresses and subaddresses; an integrated address carries a payment id of 8 bytes more.
    if !matches!((payload[0], text.len()), (18 | 42, 95) | (19, 106)) {
        return Err(Reason::WalletNetwork);
    }
    Ok(Canonical::same(Kind::Monero, text))
}

/// 32 bytes in base58; there is no checksum, so a label or a source must say what it is.
fn solana(text: &str) -> Result<Canonical<'_>, Reason> {
    match bs58::decode(text).into_vec() {
        Ok(bytes) if bytes.len() == 32 => Ok(Canonical::same(Kind::Solana, text)),
        _ => Err(Reason::WalletShape),
    }
}

/// CashAddr: `bitcoincash:` (which may be left out) and 42 characters with a 40-bit BCH checksum.
fn cash_address(text: &str) -> Result<Canonical<'_>, Reason> {
    const DIGITS: &str = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
    let mixed = text.bytes().any(|b| b.is_ascii_lowercase()) && text.bytes().any(|b| b.is_ascii_uppercase());
    let lower = text.to_ascii_lowercase();
    let payload = match lower.split_once(':') {
        Some(("bitcoincash", payload)) => payload,
        Some(("bchtest" | "bchreg", _)) => return Err(Reason::WalletNetwork),
        Some(_) => return Err(Reason::WalletShape),
        None => &lower,
    };
    if mixed || payload.len() != 42 || !payload.starts_with(['q', 'p']) {
        return Err(Reason::WalletShape);
    }
    let mut check = 1u64;
    let mut feed = |value: u64| {
        const GENERATORS: [u64; 5] = [0x98f2bc8e61, 0x79b76d99e2, 0xf33e5fb3c4, 0xae2eabe2a8, 0x1e4f43e470];
        let top = check >> 35;
        check = (check & 0x07_ffff_ffff) << 5 ^ value;
        for (bit, generator) in GENERATORS.iter().enumerate() {
            if top >> bit & 1 == 1 {
                check ^= generator;
            }
        }
    };
    "bitcoincash".bytes().for_each(|b| feed(u64::from(b & 0x1f)));
    feed(0);
    for c in payload.chars() {
        feed(DIGITS.find(c).ok_or(Reason::WalletShape)? as u64);
    }
    if check != 1 {
        return Err(Reason::WalletChecksum);
    }
    Ok(Canonical::same(Kind::BitcoinCash, borrow_if_equal(text, format!("bitcoincash:{payload}"))))
}

/// The currencies whose addresses can begin like a word.
pub(crate) fn kinds_of_word(word: &[u8]) -> &'static [Kind] {
    match (word.first(), word.len()) {
        (Some(b'1'), 25..=35) => &[Kind::Bitcoin, Kind::BitcoinCash],
        (Some(b'3'), 25..=35) => &[Kind::Bitcoin, Kind::Litecoin, Kind::BitcoinCash],
        (Some(b'b' | b'B'), 42..=62) => &[Kind::Bitcoin],
        (Some(b'l'), 43..=63) => &[Kind::Litecoin],
        (Some(b'L' | b'M'), 33..=34) => &[Kind::Litecoin],
        (Some(b'D' | b'9' | b'A'), 33..=34) => &[Kind::Dogecoin],
        (Some(b'X' | b'7'), 33..=34) => &[Kind::Dash],
        (Some(b't'), 35) => &[Kind::Zcash],
        (Some(b'z'), 78) => &[Kind::Zcash],
        (Some(b'T'), 34) => &[Kind::Tron],
        (Some(b'r'), 25..=35) => &[Kind::Ripple],
        (Some(b'q' | b'p'), 42) => &[Kind::BitcoinCash],
        (Some(b'4' | b'8'), 95 | 106) => &[Kind::Monero],
        _ => &[],
    }
}
