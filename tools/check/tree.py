#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The tree's own rules, those that no compiler or linter knows. Prints each breach as one line; exit status 1 if any."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

SUBJECT = re.compile(r"^[a-z0-9./-]+(, [a-z0-9./-]+)*: [A-Z`].*[^.]$")
SUBJECT_LIMIT = 100
SOURCES = {".java": "// ", ".rs": "// ", ".proto": "// ", ".py": "# ", ".sh": "# "}
CONTRACTS = {
    "hypervisor-plugins": "HypervisorContract",
    "network-plugins": "NetworkModelContract",
    "storage-plugins": "StorageDriverContract",
}
MOCKING = re.compile(r"mockito|easymock|powermock|jmockit", re.IGNORECASE)
TEST_SOURCE = re.compile(r"(^|/)(tests|itests|contract-tests|src/test)/")
SLEEP = re.compile(r"\bThread\.sleep\(|\bthread::sleep\(|\btime\.sleep\(")
# `ContractTest.adoptsAfterKill`, `native/link: resumes_after_loss`, `bench/start.py`, `guest-image: test_name`
JAVA_TEST = re.compile(r"^(\w+(?:Test|IT))\.(\w+)$")
FUNCTION_TEST = re.compile(r"^([\w./-]+): (\w+)$")
SCRIPT = re.compile(r"^[\w./-]+\.(?:py|sh)$")


def main() -> int:
    root = Path(__file__).resolve().parents[2]
    breaches = [
        *headers(root),
        *contract_tests(root),
        *specification(root),
        *mocks(root),
        *sleeps(root),
        *subjects(root),
        *api_versions(root),
    ]
    print("\n".join(breaches), end="\n" if breaches else "")
    print_sizes(root)
    return 1 if breaches else 0


def headers(root: Path) -> Iterator[str]:
    """Each source file begins with its licence, after a `#!` line if it has one."""
    for path in sources(root):
        lines = path.read_text().splitlines()
        first = lines[1] if lines and lines[0].startswith("#!") and len(lines) > 1 else lines[0] if lines else ""
        wanted = SOURCES[path.suffix] + "SPDX-License-Identifier: Apache-2.0"
        # An empty file marks a package and says nothing that could be licensed.
        if lines and first != wanted:
            yield f"{path.relative_to(root)}: does not begin with '{wanted}'"


def contract_tests(root: Path) -> Iterator[str]:
    """Each driver has a test that extends the contract kit of its kind."""
    for kind, contract in CONTRACTS.items():
        for pom in sorted(root.glob(f"{kind}/*/pom.xml")):
            tests = pom.parent.glob("src/test/java/**/*.java")
            if not any(re.search(rf"extends\s+{contract}\b", test.read_text()) for test in tests):
                yield f"{pom.parent.relative_to(root)}: has no test that extends {contract}"


def specification(root: Path) -> Iterator[str]:
    """Each promise of SPECIFICATION.md (a list item or a table row) names, in backticks, a test that exists."""
    path = root / "SPECIFICATION.md"
    if not path.exists():
        yield "SPECIFICATION.md: is not there"
        return
    previous = ""
    for number, line in enumerate(path.read_text().splitlines(), 1):
        is_header = previous == "" and line.startswith("|")
        is_rule = re.fullmatch(r"\|[\s:|-]+\|", line) is not None
        previous = line
        if not line.startswith(("- ", "| ")) or is_header or is_rule:
            continue
        tests = [word for word in re.findall(r"`([^`]+)`", line) if is_test(word)]
        if not tests:
            yield f"SPECIFICATION.md:{number}: names no test"
        for test in tests:
            if not exists(root, test):
                yield f"SPECIFICATION.md:{number}: names the test {test}, which does not exist"


def is_test(word: str) -> bool:
    return any(pattern.match(word) for pattern in (JAVA_TEST, FUNCTION_TEST, SCRIPT))


def exists(root: Path, test: str) -> bool:
    if java := JAVA_TEST.match(test):
        return any(
            re.search(rf"\bvoid {java[2]}\(", path.read_text()) for path in sources(root) if path.name == f"{java[1]}.java"
        ) or inherited(root, java[1], java[2])
    if function := FUNCTION_TEST.match(test):
        folder = (root / function[1]).resolve()
        declared = re.compile(rf"\b(?:fn|def) {function[2]}\(")
        return any(declared.search(path.read_text()) for path in sources(root) if folder in path.parents)
    return (root / test).is_file()


def inherited(root: Path, name: str, method: str) -> bool:
    """A contract's test runs in the classes that extend it."""
    for path in sources(root):
        if path.name == f"{name}.java" and (parent := re.search(rf"\bclass {name}\s+extends\s+(\w+)", plain(path.read_text()))):
            files = [other for other in sources(root) if other.name == f"{parent[1]}.java"]
            return any(re.search(rf"\bvoid {method}\(", other.read_text()) for other in files) or inherited(root, parent[1], method)
    return False


def plain(java: str) -> str:
    """A source without comments and type arguments, whose words could be taken for the declaration's own."""
    text = re.sub(r"/\*.*?\*/", "", java, flags=re.DOTALL)
    while (less := re.sub(r"<[^<>]*>", "", text)) != text:
        text = less
    return text


def mocks(root: Path) -> Iterator[str]:
    """Tests use the fakes that ship, which pass the contract kit; a mock passes nothing."""
    for pom in sorted(root.glob("**/pom.xml")):
        if MOCKING.search(pom.read_text()):
            yield f"{pom.relative_to(root)}: uses a mocking library"


def sleeps(root: Path) -> Iterator[str]:
    """A test waits for a condition, within a limit; the one place that may pause between two looks is its Await."""
    for path in sources(root):
        name = str(path.relative_to(root))
        if TEST_SOURCE.search(name) and not path.name.lower().startswith("await") and SLEEP.search(path.read_text()):
            yield f"{name}: sleeps where it should wait for a condition"


def subjects(root: Path) -> Iterator[str]:
    """A commit's subject is `module: What changed`, without a full stop."""
    for line in git(root, "log", "--no-merges", "--max-count=50", "--format=%h %s").splitlines():
        commit, _, subject = line.partition(" ")
        if not SUBJECT.match(subject) or len(subject) > SUBJECT_LIMIT:
            yield f"commit {commit}: '{subject}' is not of the form 'module: What changed' in {SUBJECT_LIMIT} characters"


def api_versions(root: Path) -> Iterator[str]:
    """A package of the API whose code differs from what its version was given to, has a new version. At 0.x nothing else would notice."""
    for info in sorted(root.glob("runtime-api/api/src/main/java/**/package-info.java")):
        folder = info.parent.relative_to(root)
        version = re.search(r'@Version\("([^"]+)"\)', info.read_text())
        if version is None:
            yield f"{folder}: has no @Version"
            continue
        given = git(root, "log", "--reverse", "--format=%H", f"-S@Version(\"{version[1]}\")", "--", str(info.relative_to(root))).split()
        if given and code_of(root, folder, given[-1]) != code_now(info.parent):
            yield f"{folder}: changed since it became {version[1]}; give it a new @Version"


def code_now(folder: Path) -> dict[str, str]:
    return {path.name: without_comments(path.read_text()) for path in folder.glob("*.java")}


def code_of(root: Path, folder: Path, commit: str) -> dict[str, str]:
    names = git(root, "ls-tree", "--name-only", commit, f"{folder}/").split()
    return {Path(name).name: without_comments(git(root, "show", f"{commit}:{name}")) for name in names if name.endswith(".java")}


def without_comments(java: str) -> str:
    strings_or_comments = re.compile(r'("(?:\\.|[^"\\\n])*")|//[^\n]*|/\*.*?\*/', re.DOTALL)
    return "".join(strings_or_comments.sub(lambda match: match[1] or "", java).split())


def print_sizes(root: Path) -> None:
    """To look at, never to fail on."""
    for suffix in (".java", ".rs", ".py"):
        sizes = sorted((len(path.read_text().splitlines()), path) for path in sources(root) if path.suffix == suffix)
        if sizes:
            lines, largest = sizes[-1]
            p90 = sizes[len(sizes) * 9 // 10][0]
            print(f"{len(sizes)} {suffix} files: 9 of 10 have at most {p90} lines; the longest, {largest.relative_to(root)}, {lines}")


def sources(root: Path) -> list[Path]:
    """Source files, tracked or new, that are there."""
    names = git(root, "ls-files", "--cached", "--others", "--exclude-standard").splitlines()
    return [path for name in names if (path := root / name).suffix in SOURCES and path.is_file()]


def git(root: Path, *arguments: str) -> str:
    return subprocess.run(["git", "-C", root, *arguments], capture_output=True, text=True, check=True).stdout


if __name__ == "__main__":
    sys.exit(main())
