//! Databases of countries and networks: no panic and no endless walk, whatever the bytes are.

#![no_main]

use indicia_exchange::country::Mmdb;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(database) = Mmdb::from_bytes(data.to_vec()) else { return };
    assert!(!database.database_type().contains(char::is_control));
    let _ = database.built();
    for address in ["192.0.2.7", "0.0.0.0", "255.255.255.255", "2001:db8::7", "::ffff:192.0.2.7", "::"] {
        let address = address.parse().expect("an address");
        let _ = database.country(address);
        let _ = database.asn(address);
    }
});
