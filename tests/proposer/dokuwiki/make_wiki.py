#!/usr/bin/python3
"""Makes a DokuWiki about installed Debian packages, and a file that says what is true in it.

Usage: make_wiki.py FOLDER [--packages N]

FOLDER gets `root` (the wiki: `php -S 127.0.0.1:PORT -t FOLDER/root` serves it) and `truth.json`:
  {"pages": {page id: {"title": ..., "facts": {attribute: value}}},
   "tables": {page id: {"columns": [...], "rows": [[...], ...]}}}
The same installed packages give the same wiki. Needs the Debian packages dokuwiki, php-cli, php-cgi and php-xml.
"""
import argparse
import collections
import hashlib
import json
import pathlib
import re
import shutil
import subprocess
import sys

DOKUWIKI = pathlib.Path("/usr/share/dokuwiki")
SETTINGS = pathlib.Path("/etc/dokuwiki")
STATUS = pathlib.Path("/var/lib/dpkg/status")
PLAIN_NAME = re.compile(r"[a-z0-9][a-z0-9.-]*")


def installed_packages():
    """The installed packages as dictionaries of their control fields."""
    packages = {}
    for block in STATUS.read_text(encoding="utf-8", errors="replace").split("\n\n"):
        fields, key = {}, None
        for line in block.splitlines():
            if line[:1].isspace():
                fields[key] = fields.get(key, "") + "\n" + line.strip()
            elif ":" in line:
                key, value = line.split(":", 1)
                fields[key] = value.strip()
        wanted = ("Package", "Version", "Section", "Maintainer", "Installed-Size", "Homepage", "Priority", "Description")
        if all(fields.get(field) for field in wanted) and fields.get("Status", "").endswith(" installed"):
            if PLAIN_NAME.fullmatch(fields["Package"]) and fields["Package"] not in packages:
                packages[fields["Package"]] = fields
    return packages


def choose(packages, count):
    """`count` packages: an even, repeatable choice, those from large sections first so that sections make sense."""
    sections = collections.Counter(fields["Section"] for fields in packages.values())
    large = {section for section, _ in sections.most_common(12)}
    names = sorted(packages, key=lambda name: (packages[name]["Section"] not in large,
                                               hashlib.sha256(name.encode()).hexdigest()))
    return {name: packages[name] for name in sorted(names[:count])}


def dependencies(fields):
    for part in re.split(r"[,|]", ",".join(fields.get(key, "") for key in ("Depends", "Pre-Depends", "Recommends"))):
        name = re.split(r"[\s(:]", part.strip())[0]
        if name:
            yield name


def raw(text):
    """Text that DokuWiki shows as it is."""
    return "%%" + text.replace("%%", "") + "%%"


def page_id(name):
    return "package:" + name


def facts_of(fields):
    return {
        "Version": fields["Version"],
        "Section": fields["Section"],
        "Priority": fields["Priority"],
        "Maintainer": re.sub(r"\s*<.*", "", fields["Maintainer"]).strip('"'),
        "Installed size": fields["Installed-Size"] + " kB",
        "Homepage": fields["Homepage"],
        "Source package": fields.get("Source", fields["Package"]).split(" ")[0],
        "Summary": fields["Description"].splitlines()[0],
    }


def copyright_text(name):
    path = pathlib.Path("/usr/share/doc") / name / "copyright"
    if not path.is_file():
        return ""
    text = path.read_text(encoding="utf-8", errors="replace")[:3000]
    return "\n".join("  " + line for line in text.splitlines() if line.strip())


def package_page(name, packages, users):
    fields, facts = packages[name], facts_of(packages[name])
    lines = [f"====== {name} ======", "", " ".join(raw(line) for line in fields["Description"].splitlines()[1:4]), ""]
    lines += [f"^ {key} | {raw(value)} |" for key, value in facts.items()]
    needs = sorted(set(dependencies(fields)) & set(packages) - {name})
    lines += ["", "===== Depends on =====", ""]
    lines += [f"  * [[{page_id(other)}|{other}]]" for other in needs] or ["Nothing in this handbook."]
    lines += ["", "===== Used by =====", ""]
    lines += [f"  * [[{page_id(other)}|{other}]]" for other in sorted(users[name])] or ["Nothing in this handbook."]
    lines += ["", "===== See also =====", "", f"  * [[section:{fields['Section'].replace('/', '-')}|{fields['Section']}]]"
              , "  * [[start|All sections]]", "", "===== Copyright =====", "", copyright_text(name)]
    return "\n".join(lines)


def write_page(root, identifier, text):
    path = root / "data" / "pages" / (identifier.replace(":", "/") + ".txt")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def write_pages(root, packages):
    truth = {"pages": {}, "tables": {}}
    sections, users = collections.defaultdict(list), collections.defaultdict(set)
    for name, fields in packages.items():
        sections[fields["Section"]].append(name)
        for other in set(dependencies(fields)) & set(packages) - {name}:
            users[other].add(name)
    for name in packages:
        write_page(root, page_id(name), package_page(name, packages, users))
        truth["pages"][page_id(name)] = {"title": name, "facts": facts_of(packages[name])}
    columns = ["Package", "Priority", "Maintainer"]
    for section, names in sorted(sections.items()):
        identifier, title = "section:" + section.replace("/", "-"), f"Section {section}"
        rows = [[name] + [facts_of(packages[name])[column] for column in columns[1:]] for name in names]
        lines = [f"====== {title} ======", "", "[[start|All sections]]", "", "^ " + " ^ ".join(columns) + " ^"]
        lines += [f"| [[{page_id(row[0])}|{row[0]}]] | {raw(row[1])} | {raw(row[2])} |" for row in rows]
        write_page(root, identifier, "\n".join(lines))
        truth["pages"][identifier] = {"title": title, "facts": {}}
        truth["tables"][identifier] = {"columns": columns, "rows": rows}
    lines = ["====== Package handbook ======", "", "What is installed on this system, by section.", ""]
    lines += [f"  * [[section:{section.replace('/', '-')}|{section}]]" for section in sorted(sections)]
    write_page(root, "start", "\n".join(lines))
    truth["pages"]["start"] = {"title": "Package handbook", "facts": {}}
    return truth


def install(root):
    """A private copy of DokuWiki that keeps its data below `root` and asks nobody for updates."""
    shutil.copytree(DOKUWIKI, root)
    for folder in ("pages", "attic", "meta", "media", "media_attic", "media_meta", "cache", "index", "locks", "tmp", "log"):
        (root / "data" / folder).mkdir(parents=True)
    (root / "conf").mkdir()
    for path in SETTINGS.iterdir():
        if path.is_file() and path.name not in ("local.php", "acl.auth.php", "users.auth.php"):
            shutil.copy(path, root / "conf" / path.name)
    (root / "conf" / "local.php").write_text(f"""<?php
$conf['title'] = 'Package handbook';
$conf['savedir'] = '{root}/data';
$conf['useacl'] = 0;
$conf['updatecheck'] = 0;
$conf['typography'] = 0;
$conf['sitemap'] = 0;
$conf['dmode'] = 0755;
$conf['disableactions'] = 'register,resendpwd,edit,revisions,recent,index,media,login';
""", encoding="utf-8")
    (root / "inc" / "preload.php").write_text(f"""<?php
if (!defined('DOKU_CONF')) define('DOKU_CONF', '{root}/conf/');
""", encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--packages", type=int, default=150, help="how many package pages (default 150)")
    arguments = parser.parse_args()
    if not DOKUWIKI.is_dir():
        sys.exit("make_wiki.py: the Debian package dokuwiki is not installed")
    root = arguments.folder.resolve() / "root"
    packages = choose(installed_packages(), arguments.packages)
    install(root)
    truth = write_pages(root, packages)
    indexed = subprocess.run(["php", str(root / "bin" / "indexer.php"), "-q"], capture_output=True, text=True)
    if indexed.returncode != 0:
        sys.exit("make_wiki.py: the search index could not be made: " + indexed.stderr[-2000:])
    (arguments.folder / "truth.json").write_text(json.dumps(truth, indent=1), encoding="utf-8")
    print(f"{len(truth['pages'])} pages about {len(packages)} packages in {root}")


if __name__ == "__main__":
    main()
