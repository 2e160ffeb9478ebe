# SPDX-License-Identifier: Apache-2.0
import subprocess
import tempfile
import unittest
from pathlib import Path

import tree

HEADER = "// SPDX-License-Identifier: Apache-2.0\n"
API = "runtime-api/api/src/main/java/io/hako/api/types"


class TreeTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)
        self.git("init", "--quiet")
        self.git("config", "user.name", "Somebody")
        self.git("config", "user.email", "somebody@example.org")

    def git(self, *arguments: str) -> None:
        subprocess.run(["git", "-C", self.root, *arguments], check=True)

    def write(self, path: str, text: str) -> None:
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text)

    def commit(self, subject: str) -> None:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", subject)

    def test_a_source_file_without_its_licence_is_named(self):
        self.write("a/Good.java", HEADER + "class Good {}\n")
        self.write("a/run.sh", "#!/bin/sh\n# SPDX-License-Identifier: Apache-2.0\n")
        self.write("a/Bad.java", "class Bad {}\n")
        self.assertEqual(
            list(tree.headers(self.root)), ["a/Bad.java: does not begin with '// SPDX-License-Identifier: Apache-2.0'"]
        )

    def test_a_plugin_without_a_contract_test_is_named(self):
        for name in ("qemu", "bare"):
            self.write(f"hypervisor-plugins/{name}/pom.xml", "<project/>")
        self.write("hypervisor-plugins/qemu/src/test/java/QemuTest.java", "class QemuTest extends HypervisorContract {}")
        self.assertEqual(
            list(tree.contract_tests(self.root)), ["hypervisor-plugins/bare: has no test that extends HypervisorContract"]
        )

    def test_each_promise_names_a_test_that_exists(self):
        self.write("itests/RunTest.java", "class RunTest extends Base { @Test public void exitCodes() {} }")
        base = "/** What extends this inherits. */ class Base<D extends Driver<?>> extends Root<D> {}"
        self.write("kit/Base.java", base)
        self.write("kit/Root.java", "class Root<D extends Driver<?>> { @Test public void inherits() {} }")
        self.write("native/link/src/lib.rs", "fn keeps_order() {}")
        self.write("bench/start.py", "")
        self.write(
            "SPECIFICATION.md",
            "# Promises\n\n"
            "| Promise | Test |\n|---|---|\n"
            "| exit codes come back | `RunTest.exitCodes` |\n"
            "| what a kit asks | `RunTest.inherits` |\n"
            "| order | `native/link: keeps_order` |\n\n"
            "- `hako run` starts fast: `bench/start.py`\n"
            "- it never fails\n"
            "- gone: `RunTest.exitCode`, `native/link: keeps`, `bench/stop.py`\n",
        )
        self.assertEqual(
            list(tree.specification(self.root)),
            [
                "SPECIFICATION.md:10: names no test",
                "SPECIFICATION.md:11: names the test RunTest.exitCode, which does not exist",
                "SPECIFICATION.md:11: names the test native/link: keeps, which does not exist",
                "SPECIFICATION.md:11: names the test bench/stop.py, which does not exist",
            ],
        )

    def test_a_mocking_library_is_named(self):
        self.write("a/pom.xml", "<artifactId>mockito-core</artifactId>")
        self.write("b/pom.xml", "<artifactId>junit</artifactId>")
        self.assertEqual(list(tree.mocks(self.root)), ["a/pom.xml: uses a mocking library"])

    def test_a_test_that_sleeps_is_named(self):
        self.write("a/src/test/java/FastTest.java", "Thread." + "sleep(100);")
        self.write("a/src/test/java/Await.java", "Thread." + "sleep(10);")
        self.write("a/src/main/java/Retry.java", "Thread." + "sleep(10);")
        self.assertEqual(
            list(tree.sleeps(self.root)), ["a/src/test/java/FastTest.java: sleeps where it should wait for a condition"]
        )

    def test_commit_subjects_name_their_module(self):
        self.commit("qemu: Read QMP in one thread")
        self.commit("dev, guest-image: Build the initramfs")
        self.commit("fixed stuff.")
        (breach,) = tree.subjects(self.root)
        self.assertIn("'fixed stuff.' is not of the form 'module: What changed'", breach)

    def test_a_changed_api_package_needs_a_new_version(self):
        self.version("0.1.0")
        self.write(f"{API}/Size.java", "record Size(long bytes) {}")
        self.commit("api: Add sizes")
        self.write(f"{API}/Size.java", "/** In bytes. */\nrecord Size(\n    long bytes) {} // said\n")
        self.assertEqual(list(tree.api_versions(self.root)), [])
        self.write(f"{API}/Size.java", "record Size(long bytes, long more) {}")
        self.assertEqual(
            list(tree.api_versions(self.root)), [f"{API}: changed since it became 0.1.0; give it a new @Version"]
        )
        self.commit("api: Change sizes")
        self.assertEqual(len(list(tree.api_versions(self.root))), 1)
        self.version("0.2.0")
        self.assertEqual(list(tree.api_versions(self.root)), [])
        self.commit("api: Say so")
        self.assertEqual(list(tree.api_versions(self.root)), [])

    def test_an_api_package_without_a_version_is_named(self):
        self.write(f"{API}/package-info.java", "package io.hako.api.types;")
        self.assertEqual(list(tree.api_versions(self.root)), [f"{API}: has no @Version"])

    def version(self, version: str) -> None:
        self.write(f"{API}/package-info.java", f'@Version("{version}")\npackage io.hako.api.types;')
