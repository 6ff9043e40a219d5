//! Numbers of bank accounts and payment cards: which are issued at all.

/// Length of a bank account number by country; sorted. Source: the IBAN registry with its partial and territorial codes,
/// as the Python package schwifty 2026.10.1 carries it.
pub const IBAN_LENGTHS: [(&str, usize); 127] = [
    ("AD", 24),
    ("AE", 23),
    ("AL", 28),
    ("AO", 25),
    ("AT", 20),
    ("AX", 18),
    ("AZ", 28),
    ("BA", 20),
    ("BE", 16),
    ("BF", 28),
    ("BG", 22),
    ("BH", 22),
    ("BI", 27),
    ("BJ", 28),
    ("BL", 27),
    ("BR", 29),
    ("BY", 28),
    ("CF", 27),
    ("CG", 27),
    ("CH", 21),
    ("CI", 28),
    ("CM", 27),
    ("CR", 22),
    ("CV", 25),
    ("CY", 28),
    ("CZ", 24),
    ("DE", 22),
    ("DJ", 27),
    ("DK", 18),
    ("DO", 28),
    ("DZ", 26),
    ("EE", 20),
    ("EG", 29),
    ("ES", 24),
    ("FI", 18),
    ("FK", 18),
    ("FO", 18),
    ("FR", 27),
    ("GA", 27),
    ("GB", 22),
    ("GE", 22),
    ("GF", 27),
    ("GG", 22),
    ("GI", 23),
    ("GL", 18),
    ("GP", 27),
    ("GQ", 27),
    ("GR", 27),
    ("GT", 28),
    ("GW", 25),
    ("HN", 28),
    ("HR", 21),
    ("HU", 28),
    ("IE", 22),
    ("IL", 23),
    ("IM", 22),
    ("IQ", 23),
    ("IR", 26),
    ("IS", 26),
    ("IT", 27),
    ("JE", 22),
    ("JO", 30),
    ("KM", 27),
    ("KW", 30),
    ("KZ", 20),
    ("LB", 28),
    ("LC", 32),
    ("LI", 21),
    ("LT", 20),
    ("LU", 20),
    ("LV", 21),
    ("LY", 25),
    ("MA", 28),
    ("MC", 27),
    ("MD", 24),
    ("ME", 22),
    ("MF", 27),
    ("MG", 27),
    ("MK", 19),
    ("ML", 28),
    ("MN", 20),
    ("MQ", 27),
    ("MR", 27),
    ("MT", 31),
    ("MU", 30),
    ("MZ", 25),
    ("NC", 27),
    ("NE", 28),
    ("NI", 28),
    ("NL", 18),
    ("NO", 15),
    ("OM", 23),
    ("PF", 27),
    ("PK", 24),
    ("PL", 28),
    ("PM", 27),
    ("PS", 29),
    ("PT", 25),
    ("QA", 29),
    ("RE", 27),
    ("RO", 24),
    ("RS", 22),
    ("RU", 33),
    ("SA", 24),
    ("SC", 31),
    ("SD", 18),
    ("SE", 24),
    ("SI", 19),
    ("SK", 24),
    ("SM", 27),
    ("SN", 28),
    ("SO", 23),
    ("ST", 25),
    ("SV", 28),
    ("TD", 27),
    ("TF", 27),
    ("TG", 28),
    ("TL", 23),
    ("TN", 24),
    ("TR", 26),
    ("UA", 29),
    ("VA", 22),
    ("VG", 24),
    ("WF", 27),
    ("XK", 20),
    ("YE", 30),
    ("YT", 27),
];

/// First digits and lengths of payment cards: (from, to, shortest, longest), compared over as many digits as written.
pub const CARD_RANGES: [(&str, &str, usize, usize); 14] = [
    ("2221", "2720", 16, 16),
    ("300", "305", 14, 19),
    ("34", "34", 15, 15),
    ("3528", "3589", 16, 19),
    ("36", "36", 14, 19),
    ("37", "37", 15, 15),
    ("38", "39", 14, 19),
    ("4", "4", 13, 19),
    ("50", "50", 16, 19),
    ("51", "55", 16, 16),
    ("56", "59", 16, 19),
    ("60", "61", 16, 19),
    ("62", "65", 16, 19),
    ("66", "69", 16, 19),
];

/// The length of a bank account number of a country, by its upper-case code.
pub fn iban_length(country: &str) -> Option<usize> {
    let at = IBAN_LENGTHS.binary_search_by(|(code, _)| code.cmp(&country)).ok()?;
    Some(IBAN_LENGTHS[at].1)
}

/// Whether a network issues cards with these first digits and this length. The check digit is not looked at.
///
/// ```
/// assert!(indicia_data::account::is_issued_card("4111111111111111"));
/// assert!(!indicia_data::account::is_issued_card("0000000000000000"));
/// ```
pub fn is_issued_card(digits: &str) -> bool {
    CARD_RANGES.iter().any(|(from, to, shortest, longest)| {
        (*shortest..=*longest).contains(&digits.len())
            && digits.get(..from.len()).is_some_and(|head| (*from..=*to).contains(&head))
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn sorted() {
        assert!(super::IBAN_LENGTHS.is_sorted_by_key(|(country, _)| *country));
        assert_eq!(super::iban_length("DE"), Some(22));
        assert_eq!(super::iban_length("XX"), None);
    }
}
