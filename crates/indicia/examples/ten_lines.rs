//! Prints value, relation and feed of every hit: ten_lines FEED TEXT-FILE

use indicia::IndicatorSet;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().collect();
    let set = IndicatorSet::from_feeds([&args[1]])?;
    for hit in set.scan(&std::fs::read(&args[2])?) {
        let feed = hit.contexts[0].feed.as_deref().unwrap_or("-");
        println!("{} {} {feed}", hit.value, hit.relation);
    }
    Ok(())
}
