// A mailer that cannot be started, and one that leaves somebody behind.
import assert from "node:assert/strict";
import { test } from "node:test";
import { sendMail } from "../../../src/notify/mail.ts";
import { leftBehind } from "../../support/left-behind.ts";
import { failSpawning } from "../../support/spawning.ts";

test("too many open files: the mail is not taken, and the server goes on", async (t) => {
  failSpawning(t, "EMFILE");
  const attempt = await sendMail(Buffer.from("Subject: x\n\n"), ["mailer"], {});
  assert.deepEqual(attempt, { taken: false, problem: "mailer cannot be run (EMFILE)" });
});

test("a mailer that has ended is not waited for because of what it left behind", async (t) => {
  const script = `${leftBehind(t)} echo "no way there" >&2; exit 3`;
  const attempt = await sendMail(Buffer.from("Subject: x\n\n"), ["/bin/sh", "-c", script], { PATH: process.env.PATH ?? "" });
  assert.deepEqual(attempt, { taken: false, problem: "/bin/sh ended with status 3: no way there" });
});
