"""Makes of a wheel the same under another version of equal length: renumber-wheel.py WHEEL OLD NEW prints the new file's path."""
import pathlib
import sys
import zipfile

source, old, new = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3]
assert len(old) == len(new), "the client holds its version in place"
target = source.with_name(source.name.replace(f"-{old}-", f"-{new}-"))
# of the programs only the whole word, which ends with a NUL; and no version of a dependency
texts = ("METADATA", "RECORD", "share/falcon-sessions/package.json", "data/falcon-sessions/package.json")
with zipfile.ZipFile(source) as given, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as made:
    for entry in given.infolist():
        data = given.read(entry)
        if entry.filename.endswith(texts):
            data = data.replace(old.encode(), new.encode())
        elif data[:4] == b"\x7fELF":
            data = data.replace(f"{old}\0".encode(), f"{new}\0".encode())
        entry.filename = entry.filename.replace(f"-{old}.", f"-{new}.")
        made.writestr(entry, data)
print(target)
