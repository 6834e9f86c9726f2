// A mail that is not sent since no mailer can be started.
import assert from "node:assert/strict";
import { test } from "node:test";
import { sendMail } from "../../../src/notify/mail.ts";
import { failSpawning } from "../../support/spawning.ts";

test("too many open files: the mail is not taken, and the server goes on", async (t) => {
  failSpawning(t, "EMFILE");
  const attempt = await sendMail(Buffer.from("Subject: x\n\n"), ["mailer"], {});
  assert.deepEqual(attempt, { taken: false, problem: "mailer cannot be run (EMFILE)" });
});
