// SPDX-License-Identifier: Apache-2.0
//! `USER[:GROUP]` to numbers, by the image's own /etc/passwd and /etc/group (passwd(5), group(5)).

use std::path::Path;

use serde_json::{Value, json};

use crate::failure::{Doing, Failure, Result};

/// More than any account file that is meant; the image is not trusted.
const MAX_FILE: u64 = 1 << 20;

/// The kernel means "no change" by the number after it (setresuid(2)).
const LAST_ID: u32 = u32::MAX - 1;

/// An image's account files.
pub struct Accounts {
    passwd: String,
    group: String,
}

/// Who a process runs as.
pub struct Account {
    /// The runtime-spec's `user` object.
    pub user: Value,
    pub home: String,
}

struct Passwd<'a> {
    name: &'a str,
    uid: u32,
    gid: u32,
    home: &'a str,
}

struct Group<'a> {
    name: &'a str,
    gid: u32,
    members: &'a str,
}

impl Accounts {
    /// Reads the account files, each from the first of the given trees that has it.
    pub fn read(trees: &[&Path]) -> Result<Self> {
        let read = |name: &str| -> Result<String> {
            for tree in trees.iter().filter(|tree| tree.is_dir()) {
                let found = hako_image::read_inside(tree, name, MAX_FILE);
                if let Some(bytes) = found.doing(|| format!("Reading the image's {name}"))? {
                    return Ok(String::from_utf8_lossy(&bytes).into_owned());
                }
            }
            Ok(String::new())
        };
        Ok(Self { passwd: read("etc/passwd")?, group: read("etc/group")? })
    }

    /// Finds an account. A number needs no entry; a name does. Nothing at all is root.
    pub fn resolve(&self, text: &str) -> Result<Account> {
        let (user, group) = match text.split_once(':') {
            Some((user, group)) => (user, Some(group).filter(|group| !group.is_empty())),
            None => (text, None),
        };
        let user = if user.is_empty() { "0" } else { user };
        let entry = self.entry(user);
        let uid = match &entry {
            Some(entry) => entry.uid,
            None => number("user", user, "/etc/passwd")?,
        };
        let gid = match group {
            Some(group) => self.gid(group)?,
            None => entry.as_ref().map_or(0, |entry| entry.gid),
        };
        // As docker: a group that is given stands alone.
        let further = match (&entry, group) {
            (Some(entry), None) => self.memberships(entry.name, gid),
            _ => Vec::new(),
        };
        let home = entry.map(|entry| entry.home).filter(|home| !home.is_empty()).unwrap_or("/");
        Ok(Account { user: json!({ "uid": uid, "gid": gid, "additionalGids": further }), home: home.to_owned() })
    }

    /// By name before number: a name may consist of digits.
    fn entry(&self, user: &str) -> Option<Passwd<'_>> {
        let named = self.entries().find(|entry| entry.name == user);
        named.or_else(|| user.parse().ok().and_then(|uid: u32| self.entries().find(|entry| entry.uid == uid)))
    }

    fn gid(&self, group: &str) -> Result<u32> {
        let named = self.groups().find(|entry| entry.name == group).map(|entry| entry.gid);
        named.map_or_else(|| number("group", group, "/etc/group"), Ok)
    }

    fn memberships(&self, name: &str, primary: u32) -> Vec<u32> {
        let is_member =
            |entry: &Group<'_>| entry.gid != primary && entry.members.split(',').any(|member| member == name);
        self.groups().filter(is_member).map(|entry| entry.gid).collect()
    }

    fn entries(&self) -> impl Iterator<Item = Passwd<'_>> {
        self.passwd.lines().filter_map(|line| match line.split(':').collect::<Vec<_>>()[..] {
            [name, _, uid, gid, _, home, ..] => {
                Some(Passwd { name, uid: uid.parse().ok()?, gid: gid.parse().ok()?, home })
            }
            _ => None,
        })
    }

    fn groups(&self) -> impl Iterator<Item = Group<'_>> {
        self.group.lines().filter_map(|line| match line.split(':').collect::<Vec<_>>()[..] {
            [name, _, gid, members] => Some(Group { name, gid: gid.parse().ok()?, members }),
            _ => None,
        })
    }
}

/// What is no name of the image's, as a number.
fn number(what: &str, text: &str, file: &str) -> Result<u32> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Failure::new(format!(
            "The image has no {what} \"{text}\": its {file} does not list it; give a number."
        )));
    }
    let given = text.parse().ok().filter(|number| *number <= LAST_ID);
    given.ok_or_else(|| Failure::new(format!("There is no {what} number {text}: it lies between 0 and {LAST_ID}.")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accounts() -> Accounts {
        Accounts {
            passwd: "root:x:0:0::/root:/bin/sh\nbroken\nweb:x:33:33::/srv:/bin/sh\n77:x:5:5::/num:\n".into(),
            group: "root:x:0:\nwww:x:33:web\nmedia:x:44:ann,web\nnot:x:45:webmaster\n".into(),
        }
    }

    fn resolved(text: &str) -> (Value, String) {
        let account = accounts().resolve(text).unwrap();
        (account.user, account.home)
    }

    #[test]
    fn users_and_groups_are_found_by_name_and_number() {
        let user = |uid, gid, further: &[u32]| json!({ "uid": uid, "gid": gid, "additionalGids": further });
        assert_eq!(resolved(""), (user(0, 0, &[]), "/root".into()));
        assert_eq!(resolved("web"), (user(33, 33, &[44]), "/srv".into()));
        assert_eq!(resolved("33"), (user(33, 33, &[44]), "/srv".into()));
        assert_eq!(resolved("web:media"), (user(33, 44, &[]), "/srv".into()));
        assert_eq!(resolved("1000:1001"), (user(1000, 1001, &[]), "/".into()));
        assert_eq!(resolved("1000"), (user(1000, 0, &[]), "/".into()));
        assert_eq!(resolved("77"), (user(5, 5, &[]), "/num".into()));
    }

    #[test]
    fn an_unknown_name_is_refused() {
        let error = |text| accounts().resolve(text).err().unwrap().sentence;
        assert_eq!(error("ann"), "The image has no user \"ann\": its /etc/passwd does not list it; give a number.");
        assert_eq!(error("web:x"), "The image has no group \"x\": its /etc/group does not list it; give a number.");
        assert_eq!(error("-1"), "There is no user number -1: it lies between 0 and 4294967294.");
        for (text, what) in [("99999999999", "user"), ("4294967295", "user"), ("0:99999999999", "group")] {
            let number = text.trim_start_matches("0:");
            assert_eq!(error(text), format!("There is no {what} number {number}: it lies between 0 and 4294967294."));
        }
    }
}
