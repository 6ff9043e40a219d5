"""Rows whose drivers take turns within one process: values into canonical form, and masks."""
import json, subprocess


def answers(lab, row, command, what):
    """Runs a driver and notes each JSON object that it prints, as it is."""
    done = subprocess.run([str(c) for c in command], check=True, stdout=subprocess.PIPE, text=True)
    for line in done.stdout.splitlines():
        if line.startswith("{"):
            found = json.loads(line)
            print(f"{row:<14} {what(found):<72} {found.get('ns_per_value') or found.get('results')}", flush=True)
            lab.write({"row": row, **found})


def values(lab):
    """One value at a time into canonical form: against url, ada-url, idna and the standard library."""
    answers(lab, "values", [lab.drivers / "normalize", lab.data.csv(lab.n), lab.shared / "corpus" / "feeds"],
            lambda found: f"{found['section']}, {found['list']}, nanoseconds a value")


def masks(lab):
    """Masks on URLs: against adblock-rust with the same rules, the answers compared."""
    rules, names = lab.data.mask_rules(), lab.data.benign_names()
    answers(lab, "masks", [lab.drivers / "masks", rules, names],
            lambda found: f"{found['rules']:,} rules, {found['urls']:,} URLs; {found['ours_only']} + {found['adblock_only']} answers differ")
