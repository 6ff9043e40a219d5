//! Reading a store of observables: no panic on any bytes; what is read and written again is read as the same.
//!
//! Check sums guard every block, so that mutated records would never be looked into: the bytes are also tried as the
//! records of a block that is right otherwise.

#![no_main]

use indicia::store::{self, Block, Observer, Reader};
use indicia::{IndicatorSet, ScanOptions, Scratch};
use libfuzzer_sys::fuzz_target;
use sha2::{Digest, Sha256};

fuzz_target!(|data: &[u8]| {
    read(data);
    // A number of records in the first byte, then the records.
    let Some((count, records)) = data.split_first() else { return };
    let mut file = b"\x89indobs\n\x01\0\0\0\0\0\0\0default@1\0\0\0\0\0\0\0".to_vec();
    let packed = zstd::bulk::compress(records, 1).expect("memory");
    for length in [packed.len(), records.len(), usize::from(*count)] {
        file.extend_from_slice(&(length as u32).to_le_bytes());
    }
    file.extend_from_slice(&packed);
    let check = Sha256::digest(&file);
    file.extend_from_slice(&check[..16]);
    file.extend_from_slice(&[0; 4]);
    file.extend_from_slice(&u64::from(*count).to_le_bytes());
    let check = Sha256::digest(&file);
    file.extend_from_slice(&check);
    read(&file);
});

fn read(bytes: &[u8]) {
    let mut blocks = Vec::new();
    let Ok(mut reader) = Reader::new(bytes) else { return };
    loop {
        match reader.next_block() {
            Ok(Some(block)) => blocks.push(block),
            Ok(None) => break,
            Err(_) => return,
        }
    }
    let set = IndicatorSet::from(indicia::SetBuilder::new(Default::default()).finish());
    for block in &blocks {
        let _ = store::join(&set, block, &ScanOptions::default(), &mut Scratch::default(), &mut |_| {
            std::ops::ControlFlow::Continue(())
        });
    }
    let mut observer = Observer::new(1 << 30, std::env::temp_dir());
    observer.add_store(bytes).expect("it was read once");
    let mut again = Vec::new();
    store::write_to(&mut again, vec![observer]).expect("memory");
    let mut reader = Reader::new(again.as_slice()).expect("we wrote it");
    let mut second = Vec::new();
    while let Some(block) = reader.next_block().expect("we wrote it") {
        second.push(block);
    }
    let flat = |blocks: &[Block]| -> Vec<_> {
        blocks.iter().flat_map(|b| b.iter().map(|o| (o.kind, o.value.to_string(), o.seen))).collect()
    };
    assert_eq!(flat(&blocks), flat(&second));
}
