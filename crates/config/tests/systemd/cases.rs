//! Layouts of units; all of them lie on one host, so that each has names of its own.

/// What is expected of a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    /// Its next start is told, as systemd starts it.
    Told,
    /// systemd does not start it, and that is told.
    Refused,
    /// It is not decided here what systemd does.
    Undecided,
}

use Expected::{Refused, Told, Undecided};

/// The units: name, and what is expected.
pub(crate) const UNITS: &[(&str, Expected)] = &[
    ("c01.service", Told),
    ("c02.service", Told),
    ("c03.service", Told),
    ("c04.service", Told),
    ("c05.service", Told),
    ("c06.service", Refused),
    ("c07.service", Refused),
    ("c08.service", Told),
    ("c09.service", Told),
    ("c10-a-b.service", Told),
    ("c11.service", Told),
    ("c12.service", Told),
    ("c13.service", Told),
    ("c14@one-two.service", Told),
    ("c15@x.service", Told),
    ("c16.service", Told),
    ("c17.service", Told),
    ("c18.service", Told),
    ("c19.service", Refused),
    ("c20.service", Told),
    ("c21.service", Told),
    ("c22.service", Told),
    ("c23.service", Told),
    ("c24.service", Told),
    ("c25.service", Told),
    ("c26.service", Told),
    ("c27.service", Told),
    ("c28.service", Refused),
    ("c29.service", Refused),
    ("c30.service", Told),
    ("c31.service", Told),
    ("c32.service", Told),
    ("c33.service", Told),
    ("c34.service", Told),
    ("c35.service", Told),
    ("c36.service", Undecided),
    ("c37.service", Undecided),
    ("c38.service", Told),
    ("c39.service", Told),
    ("c40.service", Refused),
    ("c41.service", Told),
    ("c42.service", Told),
    ("c43.service", Told),
    ("c44.service", Refused),
    ("c45.service", Told),
    ("c46.service", Told),
    ("c47.service", Undecided),
    ("c48.service", Told),
];

/// The files: path and content; what begins with `-> ` is a link.
pub(crate) const FILES: &[(&str, &str)] = &[
    // Folders and their order.
    (
        "/usr/lib/systemd/system/c01.service",
        "[Service]\nExecStart=/opt/probe/c01 usr\n",
    ),
    (
        "/etc/systemd/system/c02.service",
        "[Service]\nExecStart=/opt/probe/c02 etc\n",
    ),
    (
        "/usr/lib/systemd/system/c02.service",
        "[Service]\nExecStart=/opt/probe/c02 usr\n",
    ),
    (
        "/run/systemd/system/c03.service",
        "[Service]\nExecStart=/opt/probe/c03 run\n",
    ),
    (
        "/usr/local/lib/systemd/system/c03.service",
        "[Service]\nExecStart=/opt/probe/c03 local\n",
    ),
    (
        "/etc/systemd/system.control/c04.service",
        "[Service]\nExecStart=/opt/probe/c04 control\n",
    ),
    (
        "/etc/systemd/system/c04.service",
        "[Service]\nExecStart=/opt/probe/c04 etc\n",
    ),
    (
        "/usr/local/lib/systemd/system/c05.service",
        "[Service]\nExecStart=/opt/probe/c05 local\n",
    ),
    (
        "/usr/lib/systemd/system/c05.service",
        "[Service]\nExecStart=/opt/probe/c05 usr\n",
    ),
    // Masks.
    ("/etc/systemd/system/c06.service", "-> /dev/null"),
    (
        "/usr/lib/systemd/system/c06.service",
        "[Service]\nExecStart=/opt/probe/c06\n",
    ),
    ("/etc/systemd/system/c07.service", ""),
    (
        "/usr/lib/systemd/system/c07.service",
        "[Service]\nExecStart=/opt/probe/c07\n",
    ),
    // Drop-ins: reset, order, replaced, masked.
    (
        "/usr/lib/systemd/system/c08.service",
        "[Service]\nExecStart=/opt/probe/c08 old\n",
    ),
    (
        "/etc/systemd/system/c08.service.d/10.conf",
        "[Service]\nExecStart=\nExecStart=/opt/probe/c08 new $A\n",
    ),
    (
        "/usr/lib/systemd/system/c08.service.d/20.conf",
        "[Service]\nEnvironment=A=late\n",
    ),
    (
        "/etc/systemd/system/c08.service.d/05.conf",
        "[Service]\nEnvironment=A=early\n",
    ),
    (
        "/usr/lib/systemd/system/c09.service",
        "[Service]\nExecStart=/opt/probe/c09 $A $B $C\n",
    ),
    (
        "/usr/lib/systemd/system/c09.service.d/a.conf",
        "[Service]\nEnvironment=A=usr\n",
    ),
    (
        "/etc/systemd/system/c09.service.d/a.conf",
        "[Service]\nEnvironment=A=etc\n",
    ),
    (
        "/usr/lib/systemd/system/c09.service.d/b.conf",
        "[Service]\nEnvironment=B=usr\n",
    ),
    ("/run/systemd/system/c09.service.d/b.conf", "-> /dev/null"),
    (
        "/etc/systemd/system/c09.service.d/c.txt",
        "[Service]\nEnvironment=C=txt\n",
    ),
    (
        "/etc/systemd/system/c09.service.d/.c.conf",
        "[Service]\nEnvironment=C=hidden\n",
    ),
    // Prefixes: the folder of units counts before how special the name is.
    (
        "/usr/lib/systemd/system/c10-a-b.service",
        "[Service]\nExecStart=/opt/probe/c10-a-b $A $B $C\n",
    ),
    (
        "/etc/systemd/system/c10-.service.d/x.conf",
        "[Service]\nEnvironment=A=prefix-etc\n",
    ),
    (
        "/usr/lib/systemd/system/c10-a-b.service.d/x.conf",
        "[Service]\nEnvironment=A=exact-usr\n",
    ),
    (
        "/etc/systemd/system/c10-.service.d/y.conf",
        "[Service]\nEnvironment=B=prefix\n",
    ),
    (
        "/etc/systemd/system/c10-a-.service.d/y.conf",
        "[Service]\nEnvironment=B=longer\n",
    ),
    (
        "/etc/systemd/system/c10-.service.d/z.conf",
        "[Service]\nEnvironment=C=z\n",
    ),
    (
        "/etc/systemd/system/c10-a-b.service.d/a.conf",
        "[Service]\nEnvironment=C=a\n",
    ),
    // The folder of all services.
    (
        "/etc/systemd/system/service.d/10-type.conf",
        "[Service]\nEnvironment=OF_TYPE=type\n",
    ),
    (
        "/etc/systemd/system/c11.service",
        "[Service]\nExecStart=/opt/probe/c11 $OF_TYPE\n",
    ),
    (
        "/etc/systemd/system/c12.service",
        "[Service]\nExecStart=/opt/probe/c12 $OF_TYPE\n",
    ),
    (
        "/usr/lib/systemd/system/c12.service.d/10-type.conf",
        "[Service]\nEnvironment=OF_TYPE=own\n",
    ),
    // Aliases, with drop-ins of their own.
    (
        "/etc/systemd/system/c13.service",
        "-> /usr/lib/systemd/system/c13-real.service",
    ),
    (
        "/usr/lib/systemd/system/c13-real.service",
        "[Service]\nExecStart=/opt/probe/c13 $A $B\n",
    ),
    (
        "/etc/systemd/system/c13.service.d/a.conf",
        "[Service]\nEnvironment=A=alias\n",
    ),
    (
        "/etc/systemd/system/c13-real.service.d/b.conf",
        "[Service]\nEnvironment=B=real\n",
    ),
    // Templates.
    (
        "/etc/systemd/system/c14@.service",
        "[Service]\nExecStart=@/opt/probe/c14@one-two %n %N %p %i %I %j\n",
    ),
    (
        "/etc/systemd/system/c15@.service",
        "[Service]\nExecStart=/opt/probe/c15@x template $A $B\n",
    ),
    (
        "/etc/systemd/system/c15@.service.d/a.conf",
        "[Service]\nEnvironment=A=template B=template\n",
    ),
    (
        "/etc/systemd/system/c15@x.service.d/b.conf",
        "[Service]\nEnvironment=B=instance\n",
    ),
    // Linked from elsewhere, and a link that only says where the unit is.
    (
        "/etc/systemd/system/c16.service",
        "-> /opt/units/other.service",
    ),
    (
        "/opt/units/other.service",
        "[Service]\nExecStart=/opt/probe/c16 linked %n\n",
    ),
    (
        "/etc/systemd/system/c17.service",
        "-> ../../../usr/lib/systemd/system/c17.service",
    ),
    (
        "/usr/lib/systemd/system/c17.service",
        "[Service]\nExecStart=/opt/probe/c17 self\n",
    ),
    // Syntax.
    (
        "/etc/systemd/system/c18.service",
        "\u{feff}# first\n[Unit]\nDescription=a \\\n  b\n[X-Other]\nExecStart=/no\n[Service]\nstray\nType = simple\nExecStart=/opt/probe/c18 a \\\n# between\n ; too\n  b\\\n\tc  \n",
    ),
    (
        "/etc/systemd/system/c19.service",
        "[Service]\nType=simple\n",
    ),
    (
        "/etc/systemd/system/c20.service",
        "[Service]\nExecStart=/opt/probe/c20 \"a b\" 'c \"d' e\"f g\"h '' \"\\t\\x41\\101\\u00e9\" \\q \\\\ a\\sb\n",
    ),
    (
        "/etc/systemd/system/c21.service",
        "[Service]\nExecStart=@/opt/probe/c21 my-name --a\n",
    ),
    (
        "/etc/systemd/system/c22.service",
        "[Service]\nExecStart=-:/opt/probe/c22 $A ${B} $$ %% %t\n",
    ),
    (
        "/etc/systemd/system/c23.service",
        "[Service]\nEnvironment=\"A='x y' z\" EMPTY=\nExecStart=/opt/probe/c23 $A ${A} --a=${A}b --a=$A $$A a$${A} $NONE ${NONE} $ a$ $A.b ${A:-x} ${A $EMPTY ${EMPTY}\n",
    ),
    (
        "/etc/systemd/system/c24.service",
        "[Service]\nEnvironment=\"A=a\\\\\\\\ b \\\\\"c d\\\\\" 'open\"\nExecStart=/opt/probe/c24 $A\n",
    ),
    (
        "/etc/systemd/system/c25.service",
        "[Service]\nEnvironment=A=1 B=2\nEnvironment=\nEnvironment=B=3 \"C=%p %%\" D=$B 1X=no =x\nExecStart=/opt/probe/c25 $A $B $C $D\n",
    ),
    // Environment files.
    (
        "/etc/systemd/system/c26.service",
        "[Service]\nEnvironmentFile=/opt/env/c26\nEnvironment=A=unit B=unit\nEnvironmentFile=-/opt/env/none\nExecStart=/opt/probe/c26 $A $B $C\n",
    ),
    ("/opt/env/c26", "A=file\n# C=comment\nC=\"two words\"\n"),
    (
        "/etc/systemd/system/c27.service",
        "[Service]\nEnvironmentFile=/opt/env/c27a\nEnvironmentFile=/opt/env/c27b\nExecStart=/opt/probe/c27 $A $B\n",
    ),
    ("/opt/env/c27a", "A=1\nB=1\n"),
    ("/opt/env/c27b", "B=2\n"),
    (
        "/etc/systemd/system/c28.service",
        "[Service]\nEnvironmentFile=/opt/env/missing\nExecStart=/opt/probe/c28\n",
    ),
    (
        "/etc/systemd/system/c29.service",
        "[Service]\nExecStart=/opt/probe/c29 a\nExecStart=/opt/probe/c29 b\n",
    ),
    (
        "/etc/systemd/system/c30.service",
        "[Service]\nEnvironmentFile=/opt/env/c30\nExecStart=/opt/probe/c30 ${A} ${B} ${C} ${D} ${E} ${F} ${G} ${H} ${I}\n",
    ),
    (
        "/opt/env/c30",
        " A = b c \t\nB=\"b c\" 'd' e\nC=b \"c\"\nD=x \\\n  y\nE=\"x\\\ny\"\nF='a\nb'\nstray\nG=\"\\$x \\\"q\\\" \\n\"\nexport H=no\nI=b # no comment\n",
    ),
    (
        "/etc/systemd/system/c31.service",
        "[Service]\nEnvironmentFile=/opt/env/c31.d/*.env\nExecStart=/opt/probe/c31 $A $B\n",
    ),
    ("/opt/env/c31.d/1.env", "A=1\nB=1\n"),
    ("/opt/env/c31.d/2.env", "B=2\n"),
    ("/opt/env/c31.d/3.txt", "B=3\n"),
    (
        "/etc/systemd/system/c32.service",
        "[Service]\nEnvironmentFile=/opt/env/missing\nEnvironmentFile=\nEnvironmentFile=-/opt/env/%p\nExecStart=/opt/probe/c32 $A\n",
    ),
    ("/opt/env/c32", "A='--x=\"1 2\" --y'\n"),
    (
        "/etc/systemd/system/c33.service",
        "[Service]\nEnvironment=A=1 B=2\nUnsetEnvironment=A\nExecStart=/opt/probe/c33 $A $B x${A}y\n",
    ),
    // Programs, commands, folders.
    (
        "/etc/systemd/system/c34.service",
        "[Service]\nExecStart=c34 --by-name\n",
    ),
    (
        "/etc/systemd/system/c35.service",
        "[Service]\nWorkingDirectory=/opt/env\nExecStart=//opt/./probe/c35 \\; ';' a;b\n",
    ),
    (
        "/etc/systemd/system/c36.service",
        "[Service]\nExecStart=/opt/probe/c36 %H\n",
    ),
    (
        "/etc/systemd/system/c37.service",
        "[Service]\nType=oneshot\nExecStart=/opt/probe/c37 a ; /opt/probe/c37 b\n",
    ),
    (
        "/etc/systemd/system/c38.service",
        "[Service]\nType=oneshot\nExecStart=/opt/probe/c38 one\n",
    ),
    (
        "/etc/systemd/system/c39.service",
        "[Service]\nWorkingDirectory=-/none\nExecStart=/opt/probe/c39\n",
    ),
    (
        "/etc/systemd/system/c40.service",
        "[Service]\nExecStart=/opt/probe/c40 'open\n",
    ),
    (
        "/etc/systemd/system/c41.service",
        "[Service]\nExecStart=/opt/probe/c41 $A\nExecStartPre=/bin/true\nConditionPathExists=/\n[Unit]\nConditionPathExists=/etc\n",
    ),
    (
        "/etc/systemd/system/c42.service",
        "[Service]\r\nEnvironment=A=1\r\nExecStart=/opt/probe/c42 $A b\r\n",
    ),
    (
        "/etc/systemd/system/c43.service",
        "[Service]\nEnvironment=A=one\nExecStart=/opt/probe/c43 ${A}${A} x$A $A$A\n",
    ),
    (
        "/etc/systemd/system/c44.service",
        "[Service]\nExecStart=opt/probe/c44\n",
    ),
    (
        "/etc/systemd/system/c45.service",
        "[Service]\nExecStart=/opt/probe/c45 a\n[Unit]\nExecStart=/no\n[Service]\nEnvironment=A=1\n",
    ),
    (
        "/etc/systemd/system/c46.service",
        "[Service]\nExecStart=+/opt/probe/c46 %E %S %C %L %T %V %h %u %U 5%% 5%\n",
    ),
    (
        "/etc/systemd/system/c47.service",
        "[Service]\nDynamicUser=yes\nExecStart=/opt/probe/c47\n",
    ),
    (
        "/etc/systemd/system/c48.service",
        "[Service]\nDynamicUser=yes\nDynamicUser=no\nEnvironment=A=1\\x20 'B=2 3'\nExecStart=/opt/probe/c48 ${A} $B\n",
    ),
];
